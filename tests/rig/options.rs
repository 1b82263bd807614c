use crate::{Side, free_ports};
use std::net::SocketAddr;

pub const CLUSTER: &str = "dev";
pub const ACCESS_KEY: &str = "understudy";
pub const SECRET_KEY: &str = "understudy-dev";

/// What nodes and operators speak among each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    Plaintext,
    /// With certificates of an authority of the rig's own.
    MutualTls,
}

/// How a pair is set up.
#[derive(Clone, Debug)]
pub struct RigOptions {
    pub policy: &'static str,
    pub failover: &'static str,
    pub failsafe: &'static str,
    pub ttl: String,
    pub speech: Speech,
    /// Further tables for both files.
    pub more: String,
    /// Shards beside `main`: name, and the client addresses of alpha and bravo.
    pub more_shards: Vec<(&'static str, [SocketAddr; 2])>,
    /// What the command lines of alpha, bravo and the store stand behind,
    /// which replaces itself by them.
    pub behind: [Vec<String>; 2],
    pub store_behind: Vec<String>,
    /// Where the nodes find the store, when that is not the store itself.
    pub store_advertised: Option<SocketAddr>,
    /// Where bravo finds alpha, when that is not alpha itself.
    pub alpha_advertised: Option<SocketAddr>,
}

impl RigOptions {
    pub fn local() -> RigOptions {
        RigOptions {
            policy: "local",
            failover: "manual",
            failsafe: "off",
            ttl: "3s".to_owned(),
            speech: Speech::Plaintext,
            more: String::new(),
            more_shards: Vec::new(),
            behind: Default::default(),
            store_behind: Vec::new(),
            store_advertised: None,
            alpha_advertised: None,
        }
    }

    pub fn replicated() -> RigOptions {
        RigOptions {
            policy: "replicated",
            ..RigOptions::local()
        }
    }
}

/// Where a pair and its store listen.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub store: SocketAddr,
    /// Of alpha, then of bravo.
    pub clients: [SocketAddr; 2],
    pub replication: [SocketAddr; 2],
    pub console: [SocketAddr; 2],
}

impl Ports {
    pub fn free() -> Ports {
        let [store, a, b, c, d, e, f] = free_ports();
        Ports {
            store,
            clients: [a, b],
            replication: [c, d],
            console: [e, f],
        }
    }
}

/// A node's configuration file, in the shape that `understudy dev` uses too.
pub fn node_file(side: Side, options: &RigOptions, ports: &Ports) -> String {
    let index = side.index();
    let replication = ports.replication[index];
    let advertised = match (side, options.alpha_advertised) {
        (Side::Alpha, Some(address)) => address,
        _ => replication,
    };
    let more_shards: String = options
        .more_shards
        .iter()
        .map(|(name, clients)| {
            let listen = clients[index];
            format!("[[shard]]\nname = \"{name}\"\nlisten = \"{listen}\"\n\n")
        })
        .collect();
    format!(
        "cluster = \"{CLUSTER}\"\nnode = \"{side}\"\ndata = \"{side}\"\nack_policy = \"{policy}\"\nfailover = \"{failover}\"\nfailsafe = \"{failsafe}\"\n\n\
         [store]\nbucket = \"understudy\"\nprefix = \"{CLUSTER}\"\nendpoint = \"http://{store}\"\n\
         region = \"us-east-1\"\npath_style = true\n\
         access_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\n\n\
         [listen]\nreplication = \"{replication}\"\nconsole = \"{console}\"\n\n\
         [advertise]\nreplication = \"{advertised}\"\n\n\
         [[shard]]\nname = \"main\"\nlisten = \"{clients}\"\n\n\
         {more_shards}[lease]\nttl = \"{ttl}\"\n\n{tls}{more}",
        tls = tls_table(side, options.speech),
        policy = options.policy,
        failover = options.failover,
        failsafe = options.failsafe,
        store = options.store_advertised.unwrap_or(ports.store),
        console = ports.console[index],
        clients = ports.clients[index],
        ttl = options.ttl,
        more = options.more,
    )
}

fn tls_table(side: Side, speech: Speech) -> String {
    match speech {
        Speech::Plaintext => String::new(),
        Speech::MutualTls => format!(
            "[tls]\nca = \"certs/ca.pem\"\ncert = \"certs/node-{side}.pem\"\nkey = \"certs/node-{side}.key\"\n\n"
        ),
    }
}
