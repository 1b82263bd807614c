//! The node's view of the pair, computed when it is asked for.

mod lease;
mod scrape;
mod shard;
mod standbys;
mod stream;
mod verdict;

pub use scrape::Scrape;

use crate::driver::Snapshot;
use crate::maintenance::Maintenance;
use crate::meters::NodeMeters;
use crate::profile::{self, KnownPrimary, NodeProfile};
use crate::pulse::{HANGS_AFTER, Pulses};
use crate::receipts::{self, ReceiptError};
use crate::security::Security;
use crate::services::{Peers, Sent};
use crate::settings::Settings;
use crate::shard::ShardCore;
use crate::status::{Receipt, ShardStatus, Status};
use lease::lease_status;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use understudy_log::{Disk, Identity, OsDisk};
use understudy_protocol::control::Failsafe;
use understudy_protocol::{FailoverPolicy, RoleName};
use understudy_types::{BootTime, Clock, ClusterId, ShardName};

/// A cheap, cloneable view of a running node.
#[derive(Clone)]
pub struct Observer {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    shards: Vec<Arc<ShardCore>>,
    snapshot: Arc<Mutex<Snapshot>>,
    stopped: CancellationToken,
    sources: Sources,
    started: BootTime,
}

/// What is looked at beside the shards and the role.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) primary: KnownPrimary,
    pub(crate) peers: Arc<Peers>,
    pub(crate) meters: Arc<NodeMeters>,
    pub(crate) disk: Arc<OsDisk>,
    /// When this process saw the store honour conditional writes.
    pub(crate) store_proved: BootTime,
    pub(crate) security: Security,
    pub(crate) sent: Arc<Sent>,
    pub(crate) maintenance: Maintenance,
    pub(crate) pulses: Pulses,
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("node", &self.settings.node)
            .finish_non_exhaustive()
    }
}

impl Observer {
    pub(crate) fn new(
        settings: Arc<Settings>,
        identity: Identity,
        clock: Arc<dyn Clock>,
        shards: Vec<Arc<ShardCore>>,
        snapshot: Arc<Mutex<Snapshot>>,
        stopped: CancellationToken,
        sources: Sources,
    ) -> Self {
        let started = clock.now();
        let identity = Arc::new(identity);
        Observer {
            settings,
            identity,
            clock,
            shards,
            snapshot,
            stopped,
            sources,
            started,
        }
    }

    pub(crate) fn cluster(&self) -> ClusterId {
        self.identity.cluster
    }

    /// Cancelled when the node ends.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stopped.clone()
    }

    /// Whether this node serves writes, its lease provably valid now.
    pub fn is_primary_now(&self) -> bool {
        let snapshot = self.snapshot.lock();
        let deadline = snapshot
            .control
            .as_ref()
            .and_then(|control| control.deadline);
        snapshot.serving && deadline.is_some_and(|deadline| self.clock.now() < deadline)
    }

    /// Whether every thread that the node lives by goes round.
    pub fn is_alive(&self) -> bool {
        self.sources.pulses.silent_for(HANGS_AFTER).is_none()
    }

    /// Whether this node does its part: it serves, or it streams.
    pub fn is_ready(&self) -> bool {
        if self.is_primary_now() {
            return true;
        }
        let following = self.snapshot.lock().following.clone();
        let now = self.clock.now();
        following.is_some_and(|context| {
            let fresh = self.settings.stream.heartbeat_every * 2;
            let mut heard = context.knowledge.values().map(|shard| shard.heard_at());
            heard.all(|heard| heard.is_some_and(|heard| now.since(heard) <= fresh))
        })
    }

    pub fn status(&self) -> Status {
        let now = self.clock.now();
        let (control, following, last_hook) = {
            let snapshot = self.snapshot.lock();
            (
                snapshot.control.clone(),
                snapshot.following.clone(),
                snapshot.last_hook.clone(),
            )
        };
        let primary = control.as_ref().is_some_and(|c| c.deadline.is_some());
        let following = following.filter(|_| !primary);
        let lease = control.as_ref().and_then(|c| c.lease.as_ref());
        let role = control
            .as_ref()
            .map_or("starting".to_owned(), |c| c.role.to_string());
        let status_of = |shard: &Arc<ShardCore>| {
            let status = self.shard_status(shard, following.as_deref(), lease, now);
            (shard.name.clone(), status)
        };
        let shards: BTreeMap<ShardName, ShardStatus> = self.shards.iter().map(status_of).collect();
        Status {
            node: self.settings.node.clone(),
            data_id: self.identity.data_id,
            cluster: self.identity.cluster,
            cluster_name: self.settings.cluster_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role,
            promised_epoch: control.as_ref().map(|c| c.promised).unwrap_or_default(),
            ack_policy: self.settings.ack_policy,
            failover: match self.settings.failover {
                FailoverPolicy::Manual => "manual",
                FailoverPolicy::Automatic { .. } => "automatic",
            }
            .to_owned(),
            failsafe: match self.settings.failsafe {
                Failsafe::Off => "off",
                Failsafe::On => "on",
            }
            .to_owned(),
            goes_on_by_word: control.as_ref().is_some_and(|c| c.goes_on_by_word),
            hold_off_seconds: self
                .settings
                .failover
                .hold_off()
                .map(|time| time.as_secs_f64()),
            uptime_seconds: now.since(self.started).as_secs_f64(),
            lease: lease
                .zip(control.as_ref())
                .map(|(seen, control)| lease_status(seen, control, now)),
            stream: following
                .as_deref()
                .map(|context| self.stream_status(context, &shards, now)),
            shards,
            standbys: control
                .as_ref()
                .map(|c| self.standbys(c, now))
                .unwrap_or_default(),
            loss_bound: control.as_ref().and_then(|c| {
                let since = now.since(c.viewed_at);
                c.loss_bound.map(|bound| bound.aged(since))
            }),
            disk_free_bytes: self.sources.disk.free_bytes().ok(),
            last_hook,
            certificates: self
                .sources
                .security
                .certificates(&self.settings.node, self.clock.wall_millis()),
            connections_refused: self.sources.security.refused(),
            sent: self.sources.sent.status(),
            maintenance: self.sources.maintenance.mark(),
        }
    }

    /// What this node says of itself, for another one to compare.
    pub fn profile(&self) -> NodeProfile {
        self.profile_with(&self.status(), self.clock.wall_millis())
    }

    fn profile_with(&self, status: &Status, wall_millis: u64) -> NodeProfile {
        let proofs = self.sources.security.proofs(&self.settings);
        profile::own(&self.settings, status, proofs, wall_millis)
    }

    /// What remains of this node's promotions, the oldest epoch first. Blocks
    /// on the disk.
    pub fn receipts(&self) -> Result<Vec<Receipt>, ReceiptError> {
        receipts::read(&*self.sources.disk)
    }

    /// The role that a status names, for tools.
    pub fn role(&self) -> Option<RoleName> {
        self.snapshot
            .lock()
            .control
            .as_ref()
            .map(|control| control.role)
    }
}
