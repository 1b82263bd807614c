//! A pair of nodes in this process, over an object store in memory.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]

mod freeze;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;
use understudy_node::handle::ShardHandle;
use understudy_node::settings::{
    Endpoint, HookSettings, Limits, LogSettings, SecretDigests, Settings, ShardSettings,
    StreamSettings, VerdictSettings,
};
use understudy_node::{BootClock, Node, Observer, Scrape};
use understudy_protocol::{
    AcceptLoss, AckPolicy, ActivationRequest, FailoverPolicy, Lease, Mode, RequestId, Timing,
};
use understudy_state::StateMachine;
use understudy_store::{Condition, Fetched, MemoryStore, ObjectStore};
use understudy_types::{ByteCount, Clock, ClusterId, NodeId, Nonce, ShardName};
use understudy_wire::v1::admin_client::AdminClient;
use understudy_wire::v1::log_client::LogClient;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

pub use freeze::{Freezer, Relay};

type Empty<S> = Arc<dyn Fn(&ShardName) -> S + Send + Sync>;

pub struct Pair<S: StateMachine> {
    pub store: MemoryStore,
    directory: TempDir,
    policy: AckPolicy,
    empty: Empty<S>,
    nodes: Vec<Running<S>>,
    /// By node: what can stop its threads.
    freezers: BTreeMap<String, Arc<Freezer>>,
    /// What lies between alpha and whoever follows it.
    pub relay: Relay,
    /// By node; none unless a test says so before it starts the node.
    pub hooks: BTreeMap<String, HookSettings>,
}

struct Running<S: StateMachine> {
    name: NodeId,
    node: Node<S>,
    handle: ShardHandle<S>,
    observer: Observer,
    /// Where it serves other nodes and tools.
    address: String,
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}

fn endpoint() -> Endpoint {
    let listen = free_address();
    Endpoint {
        listen,
        advertise: listen.to_string(),
    }
}

pub fn nonce() -> Nonce {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives entropy");
    Nonce::from_bytes(bytes)
}

impl<S: StateMachine> Pair<S> {
    /// Founds a cluster, starts alpha and bravo, and waits until alpha serves
    /// and bravo streams.
    pub async fn start(
        policy: AckPolicy,
        empty: impl Fn(&ShardName) -> S + Send + Sync + 'static,
    ) -> Pair<S> {
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        let store = MemoryStore::new();
        let cluster = ClusterId::from_bytes(*nonce().as_bytes());
        let first = "alpha".parse().expect("a name");
        let lease = Lease::founding(cluster, "test".to_owned(), first, nonce());
        let put = store
            .put("lease.json", lease.encode().into(), Condition::Absent)
            .await;
        put.expect("the store takes the first lease");
        let directory = tempfile::tempdir().expect("a directory");
        let empty: Empty<S> = Arc::new(empty);
        let mut pair = Pair {
            store,
            directory,
            policy,
            empty,
            nodes: Vec::new(),
            freezers: BTreeMap::new(),
            relay: Relay::default(),
            hooks: BTreeMap::new(),
        };
        pair.start_node("alpha").await;
        pair.until("alpha serves", |pair| {
            pair.observer("alpha").is_primary_now()
        })
        .await;
        pair.start_node("bravo").await;
        pair.until("bravo streams", |pair| pair.observer("bravo").is_ready())
            .await;
        if policy == AckPolicy::Replicated {
            pair.until("bravo is in sync", |pair| {
                // As bravo itself has read it: it judges requests by that.
                let lease = pair.observer("bravo").status().lease;
                lease.is_some_and(|lease| !lease.in_sync.is_empty())
            })
            .await;
        }
        pair
    }

    fn settings(&self, name: &str) -> Settings {
        Settings {
            cluster_name: "test".to_owned(),
            node: name.parse().expect("a name"),
            data: self.data(name),
            ack_policy: self.policy,
            failover: FailoverPolicy::Manual,
            failsafe: understudy_protocol::control::Failsafe::Off,
            timing: Timing {
                ttl: Duration::from_secs(3),
                margin: Duration::from_millis(300),
                renew_every: Duration::from_millis(500),
                poll_every: Duration::from_millis(200),
                attempt_timeout: Duration::from_millis(500),
                ..Timing::default()
            }
            .checked()
            .expect("the times fit together"),
            replication: endpoint(),
            console: endpoint(),
            shards: vec![ShardSettings {
                name: "default".parse().expect("a name"),
                clients: endpoint(),
            }],
            log: LogSettings {
                segment_size: ByteCount::mib(1),
                ..LogSettings::default()
            },
            stream: StreamSettings {
                heartbeat_every: Duration::from_millis(100),
                ..StreamSettings::default()
            },
            limits: Limits::default(),
            verdict: VerdictSettings::with_heartbeats(Duration::from_millis(100)),
            secrets: SecretDigests::default(),
            hooks: self.hooks.get(name).cloned().unwrap_or_default(),
            page: Default::default(),
            tls: None,
            client_tls: None,
        }
    }

    pub async fn start_node(&mut self, name: &str) {
        let empty = self.empty.clone();
        let store = Arc::new(self.store.clone());
        let clock = self.freezers.entry(name.to_owned()).or_default().clone();
        let mut settings = self.settings(name);
        if name == "alpha" {
            let relayed = self.relay.open(settings.replication.listen).await;
            settings.replication.advertise = relayed.to_string();
        }
        let address = settings.replication.listen.to_string();
        let node = Node::start(settings, store, clock, move |shard| empty(shard)).await;
        let node = node.expect("the node starts");
        let handle = node.shards()[0].1.clone();
        let observer = node.observer();
        self.nodes.push(Running {
            name: name.parse().expect("a name"),
            node,
            handle,
            observer,
            address,
        });
    }

    /// Ends a node as a signal would: a primary releases its lease.
    pub async fn end_node(&mut self, name: &str) {
        let at = self
            .nodes
            .iter()
            .position(|node| node.name.as_str() == name)
            .expect("it runs");
        let mut running = self.nodes.remove(at);
        running.node.shutdown();
        running.node.ended().await.expect("it ends by request");
    }

    fn running(&self, name: &str) -> &Running<S> {
        self.nodes
            .iter()
            .find(|node| node.name.as_str() == name)
            .expect("it runs")
    }

    /// The data root of a node.
    pub fn data(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn handle(&self, name: &str) -> ShardHandle<S> {
        self.running(name).handle.clone()
    }

    pub fn observer(&self, name: &str) -> Observer {
        self.running(name).observer.clone()
    }

    pub fn freezer(&self, name: &str) -> Arc<Freezer> {
        self.freezers[name].clone()
    }

    pub async fn scrape(&self, name: &str) -> Scrape {
        self.observer(name).scrape().await
    }

    /// The Admin service of a node.
    pub async fn admin(&self, name: &str) -> AdminClient<Channel> {
        let address = format!("http://{}", self.running(name).address);
        let endpoint = tonic::transport::Endpoint::from_shared(address).expect("an address");
        let channel = endpoint.connect().await;
        AdminClient::new(channel.expect("the node serves tools"))
    }

    pub async fn log(&self, name: &str) -> LogClient<Channel> {
        let address = format!("http://{}", self.running(name).address);
        let endpoint = tonic::transport::Endpoint::from_shared(address).expect("an address");
        let channel = endpoint.connect().await;
        LogClient::new(channel.expect("the node serves tools"))
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let wait = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            for node in &self.nodes {
                let status = serde_json::to_string_pretty(&node.observer.status());
                eprintln!("{}", status.expect("a status is representable"));
            }
            panic!("waited too long: {what}");
        }
    }

    /// Asks for an activation through the store, as any S3 tool could.
    pub async fn request(&self, mode: Mode, target: &str, accept_loss: AcceptLoss) -> RequestId {
        let lease = self.lease().await;
        let request = ActivationRequest {
            format: ActivationRequest::FORMAT,
            id: nonce(),
            cluster: lease.cluster,
            mode,
            target: target.parse().expect("a name"),
            expect_epoch: lease.epoch,
            expect_holder: None,
            accept_loss,
            fenced_by: None,
            overrides: Vec::new(),
            by: "test".to_owned(),
            reason: "test".to_owned(),
            not_after_ms: BootClock.wall_millis() + 60_000,
        };
        let condition = match self.store.get("activation.json", None).await {
            Ok(Fetched::Found(object)) => Condition::Matches(object.etag),
            _ => Condition::Absent,
        };
        let put = self
            .store
            .put("activation.json", request.encode().into(), condition)
            .await;
        put.expect("the store takes the request");
        request.id
    }

    pub async fn lease(&self) -> Lease {
        match self.store.get("lease.json", None).await {
            Ok(Fetched::Found(object)) => Lease::decode(&object.body).expect("a lease"),
            other => panic!("no lease: {other:?}"),
        }
    }

    pub async fn switchover(&self, target: &str) {
        self.request(Mode::Switchover, target, AcceptLoss::Nothing)
            .await;
        self.until("the target serves", |pair| {
            pair.observer(target).is_primary_now()
        })
        .await;
    }

    /// Ends every node.
    pub async fn end(mut self) {
        let names: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.name.to_string())
            .collect();
        for name in names.iter().rev() {
            self.end_node(name).await;
        }
    }
}
