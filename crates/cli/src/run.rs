//! `understudy run`: one node, with its etcd services and its console.

use crate::admin::{self, Speaker};
use crate::collector::Origin;
use crate::exit::Exit;
use crate::logging::LoggingArgs;
use crate::neighbours::Neighbours;
use crate::people::{People, WatchedPeople};
use crate::settings::{OverrideArgs, addresses_beside};
use crate::signals::Signals;
use crate::store::ClusterStore;
use crate::supervisor;
use anyhow::Context;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use understudy_console::Console;
use understudy_etcd::{EtcdOptions, EtcdServer};
use understudy_kv::KvState;
use understudy_node::config::Configuration;
use understudy_node::security::Security;
use understudy_node::settings::ShardSettings;
use understudy_node::{BootClock, ClaimedRoot, Node, Observer};
use understudy_types::ShardName;

/// How long the release of the lease may take after a signal.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// Runs one node until a signal. The first SIGTERM or Ctrl-C holds writes,
/// flushes and releases the lease, within three seconds; the second ends the
/// process at once.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The node's configuration file (docs/configuration.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    logging: LoggingArgs,
    #[command(flatten)]
    over: OverrideArgs,
}

pub(crate) async fn run(args: RunArgs) -> anyhow::Result<Exit> {
    let configuration = args.over.load(&args.config)?;
    let collector = args.logging.begin(&Origin {
        node: configuration.settings.node.as_str(),
        cluster: &configuration.settings.cluster_name,
    })?;
    let mut signals = Signals::listen()?;
    let ended = run_node(&args.config, &configuration, &mut signals).await;
    if let Some(collector) = collector {
        tokio::select! {
            // Who says it twice does not wait for a collector.
            biased;
            () = signals.second() => {}
            () = collector.flush() => {}
        }
    }
    ended
}

async fn run_node(
    file: &Path,
    configuration: &Configuration,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    let (people, tokens) = WatchedPeople::open(People::of(&configuration.settings.page))?;
    // Before the ports: a second process on one data root must hear of that,
    // and not of the ports that the first one has.
    let root = ClaimedRoot::take(&configuration.settings)?;
    let doors = Doors::open(configuration).await?;
    supervisor::starting();
    let node = tokio::select! {
        node = start(configuration, root) => node?,
        () = signals.next() => return Ok(Exit::Done),
    };
    let beside = addresses_beside(file, &configuration.settings.cluster_name);
    let cluster = Arc::new(Neighbours::new(configuration, beside));
    let own = configuration.settings.replication.advertise.clone();
    let console = Console::new(node.observer(), own, cluster, tokens);
    let watched = tokio::spawn(people.watch(console.clone()));
    let ended = serve(node, doors, console, configuration, signals).await;
    watched.abort();
    ended
}

/// The listening sockets, taken before the store is asked so that a port in
/// use is refused while nothing has happened yet.
struct Doors {
    console: TcpListener,
    clients: Vec<(ShardName, TcpListener)>,
}

impl Doors {
    async fn open(configuration: &Configuration) -> anyhow::Result<Doors> {
        let settings = &configuration.settings;
        let mut clients = Vec::new();
        for shard in &settings.shards {
            let listener = listen("clients", shard.clients.listen).await?;
            clients.push((shard.name.clone(), listener));
        }
        Ok(Doors {
            console: listen("console", settings.console.listen).await?,
            clients,
        })
    }
}

async fn listen(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for {what}: free the port, or configure another one")
    })
}

async fn start(configuration: &Configuration, root: ClaimedRoot) -> anyhow::Result<Node<KvState>> {
    let store = ClusterStore::connect(&configuration.store).await?;
    let settings = configuration.settings.clone();
    let empty = |_: &ShardName| KvState::new();
    let clock = Arc::new(BootClock);
    Ok(Node::start_in(root, settings, store.objects(), clock, empty).await?)
}

async fn serve(
    node: Node<KvState>,
    doors: Doors,
    console: Console<Observer>,
    configuration: &Configuration,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    // What the page asks other nodes, it asks as this node.
    admin::speak_as(Speaker::Node(node.security().dialer()));
    let services_stop = CancellationToken::new();
    let stopped = |token: &CancellationToken| token.clone().cancelled_owned();
    let serving = understudy_console::serve(console, doors.console, stopped(&services_stop));
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the console ended");
        }
    });
    let shards = node.shards();
    for (name, listener) in doors.clients {
        let (settings, handle) = shards
            .iter()
            .find(|(settings, _)| settings.name == name)
            .cloned()
            .context("a shard of the configuration is missing in the node")?;
        let security = node.security();
        let server = EtcdServer::new(handle, options(&settings, configuration, &security));
        let serving = server.serve(listener, stopped(&services_stop));
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, shard = %name, "the etcd services ended");
            }
        });
    }
    let watched = tokio::spawn(supervisor::watch(node.pulses(), node.observer()));
    let ended = await_end(node, signals).await;
    watched.abort();
    services_stop.cancel();
    ended
}

/// Waits for the node's own end, or for signals.
async fn await_end(mut node: Node<KvState>, signals: &mut Signals) -> anyhow::Result<Exit> {
    tokio::select! {
        ended = node.ended() => {
            supervisor::stopping("ended by itself");
            ended.context("this node ended: start it again when the cause is gone")?;
            return Ok(Exit::Done);
        }
        () = signals.next() => {}
    }
    tracing::info!("shutting down: the lease is released");
    supervisor::stopping("releasing the lease");
    node.shutdown();
    tokio::select! {
        ended = tokio::time::timeout(SHUTDOWN_PATIENCE, node.ended()) => match ended {
            Ok(ended) => {
                ended?;
                Ok(Exit::Done)
            }
            Err(_) => {
                tracing::warn!("the lease could not be released in time: it runs out by itself");
                Ok(Exit::Failed)
            }
        },
        () = signals.next() => {
            tracing::warn!("ended at once: the lease runs out by itself");
            Ok(Exit::Failed)
        }
    }
}

fn options(
    shard: &ShardSettings,
    configuration: &Configuration,
    security: &Security,
) -> EtcdOptions {
    let options = EtcdOptions {
        gate: security.gate_for_clients(&shard.name),
        dialer: security.dialer(),
        threads: configuration.settings.limits.client_threads,
        hold: configuration.settings.limits.hold,
        ..EtcdOptions::default()
    };
    EtcdOptions {
        client_urls: vec![options.client_url(&shard.clients.advertise)],
        ..options
    }
}
