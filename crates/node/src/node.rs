//! Starting and ending a node.

mod boot_shards;
mod mend;
mod observer;
mod refetch;
mod start;
mod store_check;
mod verdict;

pub use observer::{Observer, Scrape};
pub use start::ClaimedRoot;

use crate::authority::Authority;
use crate::handle::ShardHandle;
use crate::pulse::Pulses;
use crate::security::Security;
use crate::settings::{Settings, ShardSettings};
use crate::shard::{ShardCore, boot};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use understudy_log::{Damage, LogError, RootError};
use understudy_protocol::{LeaseError, NotByItself};
use understudy_state::StateMachine;
use understudy_store::ProbeRefusal;
use understudy_tls::CredentialsError;

/// Why a node does not start. Nothing was changed that a second start minds.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("data root {path}: {source}")]
    Root { path: String, source: RootError },
    #[error("the log cannot be opened: {0}")]
    Log(#[from] LogError),
    #[error(
        "the log cannot be opened: {damage}; this node does not fetch it anew by itself: {why}. Look at it with `understudy log verify`; `understudy log repair` sets the damaged end aside"
    )]
    Damaged {
        damage: Box<Damage>,
        why: NotByItself,
    },
    #[error("{0}")]
    Store(#[from] ProbeRefusal),
    #[error(
        "there is no lease.json under the configured bucket and prefix, and this data root is new: run `understudy init --config FILE` once for the cluster"
    )]
    NoLease,
    #[error("certificates: {0}")]
    Certificates(#[from] CredentialsError),
    #[error("{0}")]
    Lease(#[from] LeaseError),
    #[error(
        "lease.json belongs to cluster {found:?}, the configuration says {configured:?}: check bucket, prefix and `cluster`"
    )]
    ClusterName { found: String, configured: String },
    #[error("cannot listen on {address}: {source}; free the port, or configure another one")]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the stand-in for the object store cannot be opened: {0}; see to the data root's disk")]
    StandIn(std::io::Error),
    #[error("{0}")]
    OutOfForce(String),
}

/// Why a running node ended by itself: only a restart helps.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct FatalError(pub String);

/// Ends the node when something happens after which it must not go on.
#[derive(Clone, Debug)]
pub(crate) struct Fatal {
    raised: watch::Sender<Option<FatalError>>,
    authority: Arc<Authority>,
}

impl Fatal {
    pub(crate) fn new(authority: Arc<Authority>) -> Self {
        Fatal {
            raised: watch::Sender::new(None),
            authority,
        }
    }

    /// From here on nothing is acknowledged; the first cause is kept.
    pub(crate) fn raise(&self, cause: String) {
        self.authority.revoke();
        tracing::error!("{cause}");
        self.raised.send_if_modified(|raised| {
            let first = raised.is_none();
            raised.get_or_insert(FatalError(cause));
            first
        });
    }

    async fn raised(&self) -> FatalError {
        let mut raised = self.raised.subscribe();
        let raised = raised
            .wait_for(Option::is_some)
            .await
            .expect("the sender is here");
        raised.clone().expect("just checked")
    }
}

/// A running node: its shards, its role, its services.
pub struct Node<S: StateMachine> {
    shards: Vec<(ShardSettings, ShardHandle<S>)>,
    cores: Vec<Arc<ShardCore>>,
    threads: Vec<JoinHandle<()>>,
    tasks: JoinSet<()>,
    observer: Observer,
    shutdown: CancellationToken,
    stop_services: CancellationToken,
    fatal: Fatal,
    driver_ended: CancellationToken,
    pulses: Pulses,
    settings: Arc<Settings>,
    security: Security,
}

impl<S: StateMachine> std::fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("node", &self.settings.node)
            .finish_non_exhaustive()
    }
}

impl<S: StateMachine> Node<S> {
    /// The shards, with where their clients are to be served.
    pub fn shards(&self) -> Vec<(ShardSettings, ShardHandle<S>)> {
        self.shards.clone()
    }

    /// What this node proves to others with, for the services on top of it.
    pub fn security(&self) -> Security {
        self.security.clone()
    }

    pub fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Whether its threads go round.
    pub fn pulses(&self) -> Pulses {
        self.pulses.clone()
    }

    /// Asks the node to end: a primary holds its writes, flushes, and
    /// releases the lease. Returns at once; see [`Node::ended`].
    pub fn shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Waits until the node has ended, by request or by a failure. On return
    /// its threads are gone and its data root is free.
    pub async fn ended(&mut self) -> Result<(), FatalError> {
        let result = tokio::select! {
            () = self.driver_ended.cancelled() => Ok(()),
            fatal = self.fatal.raised() => Err(fatal),
        };
        self.stop_services.cancel();
        self.cores.iter().for_each(|core| boot::stop(core));
        self.tasks.shutdown().await;
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = joined.await;
        result
    }
}
