//! From settings to a running node.

use super::boot_shards::{Shared, boot_shards};
use super::mend::mend;
use super::observer::Sources;
use super::store_check::{Proved, check_store};
use super::{Fatal, Node, Observer, StartError};
use crate::audit::{self, Audit, AuditWriter, Ways};
use crate::authority::Authority;
use crate::driver::{
    Activations, Configured, Driver, DriverHandle, DriverState, LEASE_KEY, NodeStore, Snapshot,
    newest_promotion,
};
use crate::maintenance::Maintenance;
use crate::meters::NodeMeters;
use crate::once::Once;
use crate::profile::{self, KnownPrimary};
use crate::pulse::{Pulse, Pulses};
use crate::security::Security;
use crate::services::{Peers, Sent, Services, serve};
use crate::settings::{Endpoint, Settings};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use understudy_log::{DataRoot, Identity, LogError, OsDisk, PromiseFile, RootError};
use understudy_protocol::{Control, Lease, Member, Setup};
use understudy_state::StateMachine;
use understudy_store::{Fetched, ObjectStore};
use understudy_types::{Clock, ClusterId, DataId, Nonce, ShardName};

/// How long to wait before an unreachable store is tried again.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(1);

/// The data root, locked for this process. A new one is founded and locked
/// by [`Node::start_in`], because only the lease says whose it is.
#[derive(Debug)]
pub struct ClaimedRoot(Option<DataRoot<OsDisk>>);

impl ClaimedRoot {
    /// Refuses a data root of another node, of another cluster, or of a
    /// process that runs. Changes nothing but the lock.
    pub fn take(settings: &Settings) -> Result<ClaimedRoot, StartError> {
        let owned = owner_of(&settings.data)?;
        let root = owned.map(|cluster| open_root(settings, cluster));
        Ok(ClaimedRoot(root.transpose()?))
    }
}

impl<S: StateMachine> Node<S> {
    /// [`ClaimedRoot::take`], then [`Node::start_in`].
    pub async fn start(
        settings: Settings,
        store: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        empty: impl Fn(&ShardName) -> S + Send + Sync + 'static,
    ) -> Result<Node<S>, StartError> {
        let root = ClaimedRoot::take(&settings)?;
        Node::start_in(root, settings, store, clock, empty).await
    }

    /// Starts a node in the data root that these settings claimed: checks
    /// the store, founds a new root, recovers the logs and the state, serves
    /// the other nodes, and takes the role that the lease gives it.
    ///
    /// Waits for a store that cannot be reached; refuses one that lies.
    /// `empty` makes the state machine of a shard without records.
    pub async fn start_in(
        root: ClaimedRoot,
        settings: Settings,
        store: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        empty: impl Fn(&ShardName) -> S + Send + Sync + 'static,
    ) -> Result<Node<S>, StartError> {
        let settings = Arc::new(settings);
        let security = Security::open(&settings)?;
        let listener = listen(&settings.replication).await?;
        let stand_in = check_store(&*store, &settings.data).await?;
        let root = match root.0 {
            Some(root) => root,
            None => found_root(&settings, &*store, &*clock).await?,
        };
        let store = Proved {
            at: clock.now(),
            store,
            stand_in,
        };
        let ground = Ready {
            settings,
            store,
            clock,
            security,
            listener,
        };
        start_on(ground, empty, root).await
    }
}

async fn listen(endpoint: &Endpoint) -> Result<TcpListener, StartError> {
    let listening = TcpListener::bind(endpoint.listen).await;
    listening.map_err(|source| StartError::Listen {
        address: endpoint.listen.to_string(),
        source,
    })
}

fn root_error(path: &Path) -> impl Fn(RootError) -> StartError {
    let path = path.display().to_string();
    move |source| StartError::Root {
        path: path.clone(),
        source,
    }
}

/// The cluster that the data root belongs to, if it was founded.
fn owner_of(path: &Path) -> Result<Option<ClusterId>, StartError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let identity = Identity::load(&OsDisk::new(path)).map_err(root_error(path))?;
    Ok(identity.map(|identity| identity.cluster))
}

fn open_root(settings: &Settings, cluster: ClusterId) -> Result<DataRoot<OsDisk>, StartError> {
    DataRoot::open(&settings.data, cluster, &settings.node).map_err(root_error(&settings.data))
}

pub(super) fn entropy() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives entropy");
    bytes
}

/// Founds a data root for the cluster that the lease names.
async fn found_root(
    settings: &Settings,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
) -> Result<DataRoot<OsDisk>, StartError> {
    let mut told = Once::default();
    let lease = loop {
        match store.get(LEASE_KEY, None).await {
            Ok(Fetched::Found(object)) => break Lease::decode(&object.body)?,
            Ok(_) => return Err(StartError::NoLease),
            Err(error) => {
                if told.is_news(&error) {
                    tracing::warn!("waiting for the object store: {error}");
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    };
    if lease.name != settings.cluster_name {
        let (found, configured) = (lease.name, settings.cluster_name.clone());
        return Err(StartError::ClusterName { found, configured });
    }
    let data_id = DataId::from_bytes(entropy());
    let identity = Identity::new(
        lease.cluster,
        settings.node.clone(),
        data_id,
        clock.wall_millis(),
    );
    DataRoot::create(&settings.data, identity).map_err(root_error(&settings.data))
}

fn member(settings: &Settings, data_id: DataId) -> Member {
    let clients = settings.shards.iter();
    Member {
        node: settings.node.clone(),
        data_id,
        incarnation: Nonce::from_bytes(entropy()),
        replication: settings.replication.advertise.clone(),
        console: settings.console.advertise.clone(),
        clients: clients
            .map(|s| (s.name.clone(), s.clients.advertise.clone()))
            .collect(),
    }
}

/// What a node is started with, looked at and found sound.
struct Ready {
    settings: Arc<Settings>,
    store: Proved,
    clock: Arc<dyn Clock>,
    security: Security,
    listener: TcpListener,
}

async fn start_on<S: StateMachine>(
    ready: Ready,
    empty: impl Fn(&ShardName) -> S + Send + Sync + 'static,
    root: DataRoot<OsDisk>,
) -> Result<Node<S>, StartError> {
    let Ready {
        settings,
        store,
        clock,
        security,
        listener,
    } = ready;
    let dialer = security.dialer();
    let mut root = Arc::new(root);
    let authority = Arc::new(Authority::new(clock.clone()));
    let fatal = Fatal::new(authority.clone());
    let promise = PromiseFile::load(root.disk().clone()).map_err(root_error(&settings.data))?;
    let promised = promise.promised().unwrap_or_default();
    let me = member(&settings, root.identity().data_id);
    let former = store.former(&me, &settings);
    if let Some(former) = &former {
        former.check().await.map_err(StartError::OutOfForce)?;
    }
    let audit = Audit::new(root.disk().clone(), settings.node.clone(), clock.clone());
    audit::note_changes(&audit, root.disk(), &settings);
    let meters = Arc::new(NodeMeters::default());
    let promoted = newest_promotion(&**root.disk());
    meters.note_promotion(promoted.unwrap_or_default());
    let maintenance = Maintenance::load(root.disk().clone()).map_err(LogError::Disk)?;
    let empty = Arc::new(empty);
    let shared = Shared {
        settings: settings.clone(),
        clock: clock.clone(),
        authority: authority.clone(),
        fatal: fatal.clone(),
        audit: audit.clone(),
        meters: meters.clone(),
        maintenance: maintenance.clone(),
    };
    let booted = match boot_shards(&shared, &root, &empty).await {
        Err(StartError::Log(LogError::Damaged(damage))) => {
            let own = Arc::get_mut(&mut root).expect("no shard has the root any more");
            let facts = json!({ "damage": damage.to_string() });
            let objects = store.in_use();
            mend(own, &*objects, &*clock, &settings, &meters, &dialer, damage).await?;
            audit.keep("log_mended", "the node itself", facts);
            boot_shards(&shared, &root, &empty).await?
        }
        booted => booted?,
    };
    let identity = root.identity().clone();
    let setup = Setup {
        cluster: identity.cluster,
        me,
        shards: settings
            .shards
            .iter()
            .map(|shard| shard.name.clone())
            .collect(),
        ack_policy: settings.ack_policy,
        failover: settings.failover,
        failsafe: settings.failsafe,
        timing: settings.timing.clone(),
        hooks: settings.hooks.phases(),
    };
    let cores: Vec<_> = booted.iter().map(|shard| shard.core.clone()).collect();
    let heads = cores
        .iter()
        .map(|core| (core.name.clone(), core.flushed()))
        .collect();
    let (handle, told) = DriverHandle::new(Activations::new(settings.node.clone()));
    let peers = Arc::new(Peers::default());
    let snapshot = Arc::new(Mutex::new(Snapshot::default()));
    let (shutdown, stop_services) = (CancellationToken::new(), CancellationToken::new());
    let driver_ended = CancellationToken::new();
    let pulse = Pulse::new("driver".to_owned(), clock.clone());
    let of_shards = booted.iter().flat_map(|shard| shard.pulses.clone());
    let pulses = Pulses::new(of_shards.chain([pulse.clone()]));
    let known = KnownPrimary::load(root.disk().clone(), clock.clone(), dialer.clone());
    let driver = Driver {
        control: Control::new(setup.clone(), promised, heads, clock.now()),
        setup,
        settings: settings.clone(),
        shards: cores.clone(),
        views: booted.iter().map(|shard| shard.view.clone()).collect(),
        store: NodeStore::new(store.in_use()),
        configured: Configured {
            objects: store.store,
            given_up: store.stand_in.is_some(),
            checked: None,
            noticed: None,
        },
        disk: root.disk().clone(),
        audit: audit.clone(),
        meters: meters.clone(),
        known: known.clone(),
        dialer: dialer.clone(),
        promise: Arc::new(Mutex::new(promise)),
        clock: clock.clone(),
        authority,
        peers: peers.clone(),
        handle: handle.clone(),
        snapshot: snapshot.clone(),
        fatal: fatal.clone(),
        pulse,
        shutdown: shutdown.clone(),
        state: DriverState::default(),
    };
    if let Some(former) = former {
        driver.watch_former(former);
    }
    let sent = Arc::new(Sent::default());
    let observer = Observer::new(
        settings.clone(),
        identity,
        clock.clone(),
        cores.clone(),
        snapshot.clone(),
        stop_services.clone(),
        Sources {
            primary: known.clone(),
            peers: peers.clone(),
            meters: meters.clone(),
            disk: root.disk().clone(),
            store_proved: store.at,
            security: security.clone(),
            sent: sent.clone(),
            maintenance: maintenance.clone(),
            pulses: pulses.clone(),
        },
    );
    let handles: BTreeMap<_, _> = booted
        .iter()
        .map(|shard| (shard.core.name.clone(), shard.handle.clone()))
        .collect();
    let first = cores.iter().min_by_key(|core| core.name.clone());
    let first = first.expect("a node has a shard");
    let writer = Arc::new(AuditWriter::new(first.clone()));
    let services = Services {
        node: settings.node.clone(),
        shards: cores
            .iter()
            .map(|core| (core.name.clone(), core.clone()))
            .collect(),
        handles,
        peers,
        driver: handle,
        observer: observer.clone(),
        audit: audit.clone(),
        audit_writer: writer.clone(),
        maintenance,
        clock,
        stream: settings.stream.clone(),
        sent,
        gate: security.gate_for_members(),
        command_bytes_max: settings.limits.command_bytes_max.get() as usize,
    };
    let mut tasks = JoinSet::new();
    security.watch(&mut tasks, &stop_services);
    let stop = stop_services.clone();
    let failed = fatal.clone();
    tasks.spawn(async move {
        if let Err(error) = serve(services, listener, stop).await {
            failed.raise(format!("the replication service ended: {error}"));
        }
    });
    tasks.spawn(profile::watch(
        known,
        snapshot.clone(),
        stop_services.clone(),
    ));
    let ways = Ways {
        writer,
        observer: observer.clone(),
        snapshot,
        dialer,
    };
    tasks.spawn(audit::deliver(audit, ways, stop_services.clone()));
    let ended = driver_ended.clone();
    tasks.spawn(async move {
        // The root stays locked as long as the driver lives.
        let _root = root;
        driver.run(told).await;
        ended.cancel();
    });
    let mut threads = Vec::new();
    let mut shards = Vec::new();
    for (booted, settings) in booted.into_iter().zip(&settings.shards) {
        threads.extend(booted.threads);
        shards.push((settings.clone(), booted.handle));
    }
    Ok(Node {
        shards,
        cores,
        threads,
        tasks,
        observer,
        shutdown,
        stop_services,
        fatal,
        driver_ended,
        pulses,
        settings,
        security,
    })
}
