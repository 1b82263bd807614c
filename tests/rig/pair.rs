use crate::options::node_file;
use crate::{
    ACCESS_KEY, Answer, CLUSTER, Directory, Link, Ports, Process, RigOptions, SECRET_KEY, Shape,
    Side, Speech, free_ports, get, run, understudy_binary, until,
};
use serde_json::Value;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use understudy_protocol::Lease;
use understudy_store::{Credentials, Fetched, ObjectStore, S3Config, S3Store};
use understudy_tls::TlsFiles;

/// For a condition that comes with a lease's turn, or with a start on a busy
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A store and a pair. Processes come before the directory, so that nothing
/// runs any more when it goes.
#[derive(Debug)]
pub struct Rig {
    store: Option<Process>,
    nodes: [Option<Process>; 2],
    pub options: RigOptions,
    pub ports: Ports,
    directory: Directory,
}

impl Rig {
    /// Writes the configuration files and starts nothing.
    pub async fn prepare(options: RigOptions) -> Rig {
        Rig::prepare_on(Ports::free(), options).await
    }

    pub async fn prepare_on(ports: Ports, options: RigOptions) -> Rig {
        let rig = Rig {
            store: None,
            nodes: [None, None],
            ports,
            directory: Directory::new(),
            options,
        };
        if rig.options.speech == Speech::MutualTls {
            rig.make_certificates().await;
        }
        for side in Side::BOTH {
            let text = node_file(side, &rig.options, &rig.ports);
            tokio::fs::write(rig.file(side), text)
                .await
                .expect("a configuration file");
        }
        rig
    }

    /// As a new operator makes them.
    async fn make_certificates(&self) {
        let lines = ["init --cluster dev", "issue operator ann"].map(str::to_owned);
        let nodes = Side::BOTH.map(|side| format!("issue node {side} --host 127.0.0.1"));
        for line in lines.iter().chain(&nodes) {
            self.cert(line).await.expect_code(0);
        }
    }

    /// `understudy cert`, in the rig's directory.
    pub async fn cert(&self, line: &str) -> Answer {
        let words: Vec<&str> = ["cert"].into_iter().chain(line.split(' ')).collect();
        self.command(&words).await
    }

    /// The files of a node or an operator.
    pub fn certificate(&self, name: &str) -> TlsFiles {
        let at = |file: String| self.path().join("certs").join(file);
        TlsFiles {
            ca: at("ca.pem".to_owned()),
            cert: at(format!("{name}.pem")),
            key: at(format!("{name}.key")),
        }
    }

    /// Prepared, with a wire of this shape on bravo's way to alpha.
    pub async fn prepare_over(shape: Shape, options: RigOptions) -> (Rig, Link) {
        let ports = Ports::free();
        let [front] = free_ports();
        let link = Link::shaped(front, ports.replication[0], shape).await;
        let options = RigOptions {
            alpha_advertised: Some(link.address()),
            ..options
        };
        (Rig::prepare_on(ports, options).await, link)
    }

    /// A pair with alpha as primary and bravo streaming from it.
    pub async fn start(options: RigOptions) -> Rig {
        let mut rig = Rig::prepare(options).await;
        rig.bring_up().await;
        rig
    }

    /// Store, lease, nodes; returns when the pair is whole.
    pub async fn bring_up(&mut self) {
        self.start_store();
        self.found().await;
        self.start_node(Side::Alpha);
        self.wait_for_primary(Side::Alpha).await;
        self.start_node(Side::Bravo);
        self.wait_for_standby(Side::Bravo).await;
    }

    pub fn start_store(&mut self) {
        let arguments = ["dev-store", "--access-key", ACCESS_KEY];
        let mut command = self.understudy_behind(&self.options.store_behind, &arguments);
        command
            .arg("--listen")
            .arg(self.ports.store.to_string())
            .arg("--dir")
            .arg(self.path().join("store"))
            .env("UNDERSTUDY_DEV_STORE_SECRET_KEY", SECRET_KEY);
        let log = self.path().join("store.log");
        self.store = Some(Process::start("store", &mut command, &log));
    }

    pub fn kill_store(&mut self) {
        self.store.take().expect("the store runs").kill();
    }

    /// Creates the lease, as soon as the store answers.
    pub async fn found(&self) {
        until("the store serves", PATIENCE, || async {
            tokio::net::TcpStream::connect(self.ports.store).await.ok()
        })
        .await;
        self.command(&["init", "--config", &self.file(Side::Alpha)])
            .await
            .expect_code(0);
    }

    pub fn start_node(&mut self, side: Side) {
        let behind = &self.options.behind[side.index()];
        let arguments = ["run", "--config", &self.file(side)];
        let mut command = self.understudy_behind(behind, &arguments);
        let log = self.path().join(format!("{side}.log"));
        let process = Process::start(side.name(), &mut command, &log);
        let before = self.nodes[side.index()].replace(process);
        assert!(before.is_none(), "{side} runs already");
    }

    /// SIGKILL; it is gone on return.
    pub fn kill_node(&mut self, side: Side) {
        self.nodes[side.index()].take().expect("it runs").kill();
    }

    /// SIGTERM, and its end.
    pub async fn stop_node(&mut self, side: Side) {
        let mut process = self.nodes[side.index()].take().expect("it runs");
        process.signal(crate::Signal::TERM);
        let status = process.ended(PATIENCE).await;
        assert!(status.success(), "{side} ended with {status}");
    }

    pub fn node(&mut self, side: Side) -> &mut Process {
        self.nodes[side.index()].as_mut().expect("it runs")
    }

    /// A node whose end is awaited by the test.
    pub fn take_node(&mut self, side: Side) -> Process {
        self.nodes[side.index()].take().expect("it runs")
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The configuration file.
    pub fn file(&self, side: Side) -> String {
        let path = self.path().join(format!("{side}.toml"));
        path.to_str().expect("a path of ASCII").to_owned()
    }

    /// The data root.
    pub fn data(&self, side: Side) -> PathBuf {
        self.path().join(side.name())
    }

    pub fn clients(&self, side: Side) -> SocketAddr {
        self.ports.clients[side.index()]
    }

    pub fn replication(&self, side: Side) -> SocketAddr {
        self.ports.replication[side.index()]
    }

    pub fn console(&self, side: Side) -> SocketAddr {
        self.ports.console[side.index()]
    }

    /// The binary with these arguments, free of the caller's variables.
    pub fn understudy(&self, arguments: &[&str]) -> Command {
        self.understudy_behind(&[], arguments)
    }

    fn understudy_behind(&self, behind: &[String], arguments: &[&str]) -> Command {
        let mut line = behind.iter().map(OsString::from).collect::<Vec<_>>();
        line.push(understudy_binary().into());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_uppercase();
            // A proxy for the world outside knows nobody of the rig.
            let is_callers = ["UNDERSTUDY_", "OTEL_"]
                .iter()
                .any(|of| text.starts_with(of));
            if is_callers || text.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        if self.options.speech == Speech::MutualTls {
            let TlsFiles { ca, cert, key } = self.certificate("operator-ann");
            let named = [("CA", ca), ("CERT", cert), ("KEY", key)];
            let named = named.map(|(name, file)| (format!("UNDERSTUDY_{name}"), file));
            command.envs(named);
        }
        command
    }

    pub async fn command(&self, arguments: &[&str]) -> Answer {
        run(self.understudy(arguments)).await
    }

    /// `etcdctl` at one side's client address.
    pub fn etcdctl_at(&self, side: Side, arguments: &[&str]) -> Command {
        let mut command = Command::new("etcdctl");
        command
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.clients(side)))
            .args(arguments);
        command
    }

    pub async fn etcdctl(&self, side: Side, arguments: &[&str]) -> Answer {
        run(self.etcdctl_at(side, arguments)).await
    }

    /// A client of the rig's store, as the nodes have one.
    pub async fn store_client(&self) -> S3Store {
        let config = S3Config {
            prefix: CLUSTER.to_owned(),
            endpoint: Some(format!("http://{}", self.ports.store)),
            path_style: true,
            credentials: Some(Credentials {
                access_key: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.to_owned(),
            }),
            ..S3Config::new("understudy", "us-east-1")
        };
        S3Store::connect(config).await.expect("the rig's store")
    }

    /// The lease as the store has it.
    pub async fn lease(&self) -> Option<Lease> {
        match self.store_client().await.get("lease.json", None).await {
            Ok(Fetched::Found(lease)) => Lease::decode(&lease.body).ok(),
            _ => None,
        }
    }

    pub async fn status(&self, side: Side) -> Option<Value> {
        let page = get(self.console(side), "/status").await?;
        serde_json::from_str(&page.body).ok()
    }

    /// Whether its lease is valid at this moment.
    pub async fn is_primary(&self, side: Side) -> bool {
        get(self.console(side), "/primary")
            .await
            .is_some_and(|page| page.status == 200)
    }

    pub async fn wait_for_primary(&self, side: Side) {
        until(&format!("{side} is primary"), PATIENCE, || async {
            self.is_primary(side).await.then_some(())
        })
        .await;
    }

    /// Until it streams with a known lag and a known bound of what its
    /// promotion may lose; and is in sync, where the policy has such a set.
    pub async fn wait_for_standby(&self, side: Side) {
        until(
            &format!("{side} is a standby in sync"),
            PATIENCE,
            || async {
                let page = get(self.console(side), "/standby?max-lag=5s").await?;
                let primary = self.status(side.other()).await?;
                let in_sync = primary["lease"]["in_sync"].as_array()?;
                let is_in_sync = in_sync.iter().any(|name| name == side.name());
                let is_asked = self.options.policy == "replicated";
                let bound = &self.status(side).await?["loss_bound"];
                let is_known = !bound.is_null() && bound != "unknown";
                (page.status == 200 && is_known && (is_in_sync || !is_asked)).then_some(())
            },
        )
        .await;
    }

    /// Until both have flushed the very same position of every shard.
    pub async fn wait_for_equal_heads(&self) {
        until("both heads are equal", PATIENCE, || async {
            let alpha = heads(&self.status(Side::Alpha).await?)?;
            let bravo = heads(&self.status(Side::Bravo).await?)?;
            (alpha == bravo).then_some(())
        })
        .await;
    }

    /// The lease's epoch, as either side sees it.
    pub async fn epoch(&self) -> u64 {
        until("a node knows the lease", PATIENCE, || async {
            let mut seen = None;
            for side in Side::BOTH {
                if let Some(status) = self.status(side).await {
                    seen = seen.max(status["lease"]["epoch"].as_u64());
                }
            }
            seen
        })
        .await
    }

    pub async fn switchover(&self, to: Side, epoch: u64) -> Answer {
        let (epoch, file) = (epoch.to_string(), self.file(to));
        let line = ["switchover", "--to", to.name(), "--expect-epoch", &epoch];
        self.command(&[&line[..], &["--config", &file]].concat())
            .await
    }

    /// With the confirmation and `more` flags.
    pub async fn failover(&self, to: Side, epoch: u64, more: &[&str]) -> Answer {
        let (epoch, file) = (epoch.to_string(), self.file(to));
        let line = ["failover", "--to", to.name(), "--expect-epoch", &epoch];
        let access = ["--config", &file, "--yes", crate::CLUSTER];
        self.command(&[&line[..], &access[..], more].concat()).await
    }
}

/// The flushed position of each shard; none while a shard has none.
fn heads(status: &Value) -> Option<Vec<(String, Value)>> {
    let shards = status["shards"].as_object()?;
    let head = |(name, shard): (&String, &Value)| {
        let flushed = &shard["flushed"];
        (!flushed.is_null()).then(|| (name.clone(), flushed.clone()))
    };
    shards.iter().map(head).collect()
}
