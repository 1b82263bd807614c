//! A host of its own for each node and for the store: network namespaces of
//! this machine behind one router, which carries or drops what goes from one
//! to another. Packets are dropped silently, one way or both, as by a network
//! that is broken; no process sees a closed connection.

use crate::Ports;
use std::net::SocketAddr;
use std::process::Command;

/// Where a process of the rig stands; the test itself and its clients stand
/// at `Clients`, in the machine's own namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Alpha,
    Bravo,
    Store,
    Clients,
}

impl Host {
    const ALL: [Host; 4] = [Host::Alpha, Host::Bravo, Host::Store, Host::Clients];

    fn number(self) -> usize {
        self as usize + 1
    }
}

/// The namespaces; gone when this is dropped.
#[derive(Debug)]
pub struct Hosts {
    /// Names and addresses that no other run on this machine has.
    run: u32,
}

impl Hosts {
    /// None, and the reason on standard error, where this may not be done.
    pub fn new() -> Option<Hosts> {
        let hosts = Hosts {
            run: std::process::id() % 128,
        };
        match hosts.build() {
            Ok(()) => Some(hosts),
            Err(error) => {
                eprintln!("not run: network namespaces need root and iproute2: {error}");
                None
            }
        }
    }

    /// Each host has addresses of its own, and the usual ports.
    pub fn ports(&self) -> Ports {
        let at = |host, port| -> SocketAddr {
            format!("{}:{port}", self.address(host))
                .parse()
                .expect("an address")
        };
        let both = |port| [at(Host::Alpha, port), at(Host::Bravo, port)];
        Ports {
            store: at(Host::Store, 2370),
            clients: both(2379),
            replication: both(2390),
            console: both(2391),
        }
    }

    /// What a command line stands behind that is to run there.
    pub fn behind(&self, host: Host) -> Vec<String> {
        let line = ["ip", "netns", "exec", &self.namespace(host)];
        line.map(str::to_owned).to_vec()
    }

    /// From now on nothing that `from` sends arrives at `to`.
    pub fn cut_one_way(&self, from: Host, to: Host) {
        self.rule("add", from, to).expect("a rule");
    }

    pub fn cut(&self, one: Host, other: Host) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    pub fn heal_one_way(&self, from: Host, to: Host) {
        self.rule("del", from, to).expect("there was such a rule");
    }

    pub fn heal(&self, one: Host, other: Host) {
        self.heal_one_way(one, other);
        self.heal_one_way(other, one);
    }

    fn build(&self) -> Result<(), String> {
        self.tear_down();
        let router = self.router();
        ip(&format!("netns add {router}"))?;
        for host in Host::ALL {
            self.attach(host)?;
        }
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        run("ip", &["netns", "exec", &router, "sh", "-c", forward])
    }

    /// A wire between the host and the router, with an address at both ends.
    fn attach(&self, host: Host) -> Result<(), String> {
        let (router, number) = (self.router(), host.number());
        let (near, far) = (format!("{router}n{number}"), format!("{router}f{number}"));
        ip(&format!("link add {far} type veth peer name {near}"))?;
        ip(&format!("link set {far} netns {router}"))?;
        let net = self.net(host);
        ip(&format!("-n {router} addr add {net}.1/24 dev {far}"))?;
        ip(&format!("-n {router} link set {far} up"))?;
        let (at, everything) = match host {
            Host::Clients => (String::new(), format!("10.{}.0.0/16", 64 + self.run)),
            _ => {
                let namespace = self.namespace(host);
                ip(&format!("netns add {namespace}"))?;
                ip(&format!("link set {near} netns {namespace}"))?;
                (format!("-n {namespace} "), "default".to_owned())
            }
        };
        ip(&format!("{at}addr add {net}.2/24 dev {near}"))?;
        ip(&format!("{at}link set {near} up"))?;
        ip(&format!("{at}link set lo up"))?;
        ip(&format!("{at}route add {everything} via {net}.1"))
    }

    fn rule(&self, verb: &str, from: Host, to: Host) -> Result<(), String> {
        let (from, to) = (self.address(from), self.address(to));
        let router = self.router();
        ip(&format!(
            "-n {router} rule {verb} from {from} to {to} blackhole"
        ))
    }

    /// What is there of an earlier run, or of this one.
    fn tear_down(&self) {
        let hosts = Host::ALL.into_iter().filter(|host| *host != Host::Clients);
        let namespaces = hosts.map(|host| self.namespace(host));
        for namespace in namespaces.chain([self.router()]) {
            // Most often there is none.
            let _ = ip(&format!("netns del {namespace}"));
        }
        // Its other end may be gone already, and this one with it.
        let near = format!("{}n{}", self.router(), Host::Clients.number());
        let _ = ip(&format!("link del {near}"));
    }

    fn router(&self) -> String {
        format!("us{}", self.run)
    }

    fn namespace(&self, host: Host) -> String {
        format!("us{}h{}", self.run, host.number())
    }

    fn net(&self, host: Host) -> String {
        format!("10.{}.{}", 64 + self.run, host.number())
    }

    fn address(&self, host: Host) -> String {
        format!("{}.2", self.net(host))
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.tear_down();
    }
}

fn ip(line: &str) -> Result<(), String> {
    run("ip", &line.split_whitespace().collect::<Vec<_>>())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}
