//! The lease object: `<prefix>/lease.json`, changed only by conditional
//! writes, never deleted.

use crate::activation::{Mode, Override, RequestId};
use crate::fallback::Fallback;
use crate::without_store::WithoutStore;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use understudy_types::{ClusterId, DataId, Epoch, NodeId, Nonce, Position, ShardName};

/// The version of the lease's format that this code writes and reads.
const FORMAT: u32 = 1;

/// How many epochs the history keeps; older forks are found in the logs.
const HISTORY_MAX: usize = 32;

/// The opaque version tag that the object store gave a write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(pub String);

/// The last flushed position of each shard; `None` for an empty log.
pub type Heads = BTreeMap<ShardName, Option<Position>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// The holder serves.
    Held,
    /// The holder has taken the epoch and waits until it may serve.
    Claimed,
    /// The holder fell silent for good in this epoch.
    Released,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckPolicy {
    /// It is flushed on the primary.
    Local,
    /// It is also flushed on every standby of the in-sync set, or while that
    /// is empty, stored in the object store.
    Replicated,
}

/// A standby that may be counted on: its name and its disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StandbyId {
    pub node: NodeId,
    pub data_id: DataId,
}

/// A node as others find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub node: NodeId,
    pub data_id: DataId,
    /// Made anew at every start of the process.
    pub incarnation: Nonce,
    /// Where replication and admin are served, `host:port`.
    pub replication: String,
    /// Where the console is served.
    pub console: String,
    /// Where clients are served, for each shard.
    pub clients: BTreeMap<ShardName, String>,
}

impl Member {
    pub fn standby_id(&self) -> StandbyId {
        StandbyId {
            node: self.node.clone(),
            data_id: self.data_id,
        }
    }
}

/// The primary's word that a named node may take the next epoch at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    pub successor: NodeId,
    /// Where every shard ends in this epoch.
    pub sealed: Heads,
    /// The switchover that it serves, when an operator asked for it.
    pub activation: Option<Consumed>,
}

/// Where an epoch forked from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    pub epoch: Epoch,
    pub holder: NodeId,
    /// Each shard's head when the epoch began.
    pub forks: Heads,
    /// True when records acknowledged before may be missing.
    pub lossy: bool,
    /// The epoch of each shard's last batch before the fork. A shard whose log
    /// was empty has none; records of versions before it have none at all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after: BTreeMap<ShardName, Epoch>,
}

/// The activation that led to this epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumed {
    pub id: RequestId,
    pub mode: Mode,
    pub by: String,
    pub reason: String,
    /// Evidence that skipped the wait, when the operator gave any.
    pub fenced_by: Option<String>,
    /// As in the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    pub format: u32,
    pub cluster: ClusterId,
    /// The cluster's configured name, for people and against mix-ups.
    pub name: String,
    pub epoch: Epoch,
    pub state: LeaseState,
    /// `None` only in the founding epoch.
    pub holder: Option<Member>,
    /// New for every write attempt.
    pub nonce: Nonce,
    /// Counts the writes inside the epoch.
    pub renewals: u64,
    pub ttl_ms: u64,
    pub ack_policy: AckPolicy,
    /// Who must have flushed a record before it is acknowledged under
    /// `replicated`, and may therefore be promoted without loss.
    pub in_sync: BTreeSet<StandbyId>,
    pub history: Vec<EpochRecord>,
    pub handover: Option<Handover>,
    /// Where every shard ended, when the state is `released`.
    pub sealed: Option<Heads>,
    pub activation: Option<Consumed>,
    /// The last epoch that a node took by itself, until an operator has
    /// acknowledged it: meanwhile none is taken so. Absent in the object when
    /// there is none, as in those of versions before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unacknowledged: Option<Epoch>,
    /// Absent in the object until the store was needed for the first time.
    #[serde(default, skip_serializing_if = "Fallback::is_unused")]
    pub fallback: Fallback,
    /// The nodes of which the holder needs everybody's word to go on while the
    /// store is away, and which alone may take the lease from it. Absent in
    /// the object unless that is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failsafe: Option<BTreeSet<StandbyId>>,
    /// Every node that has followed a holder, with its last data root, until
    /// an operator says that it is gone for good. Absent in the object while
    /// there is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registered: BTreeMap<NodeId, DataId>,
    /// Present while this lease stands in no object store, but in the holder's
    /// data root, because the store was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_store: Option<WithoutStore>,
}

/// Why bytes are not a lease that this node can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    #[error("lease.json cannot be read: {0}; restore the object from a good copy")]
    Corrupt(String),
    #[error("lease.json has format {found}, this binary knows {FORMAT}: upgrade this node")]
    UnknownFormat { found: u32 },
    #[error(
        "lease.json belongs to cluster {found}, this node to {expected}: check bucket and prefix"
    )]
    ForeignCluster {
        found: ClusterId,
        expected: ClusterId,
    },
}

impl Lease {
    /// The lease as `init` creates it: nobody has held it, and `first` may
    /// take epoch 1.
    pub fn founding(cluster: ClusterId, name: String, first: NodeId, nonce: Nonce) -> Lease {
        Lease {
            format: FORMAT,
            cluster,
            name,
            epoch: Epoch::FOUNDING,
            state: LeaseState::Released,
            holder: None,
            nonce,
            renewals: 0,
            ttl_ms: 0,
            ack_policy: AckPolicy::Local,
            in_sync: BTreeSet::new(),
            registered: BTreeMap::new(),
            history: Vec::new(),
            handover: Some(Handover {
                successor: first,
                sealed: Heads::new(),
                activation: None,
            }),
            sealed: None,
            activation: None,
            unacknowledged: None,
            fallback: Fallback::default(),
            failsafe: None,
            without_store: None,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a lease is always representable")
    }

    /// Reads a lease of any cluster.
    pub fn decode(bytes: &[u8]) -> Result<Lease, LeaseError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let corrupt = |error: serde_json::Error| LeaseError::Corrupt(error.to_string());
        let Format { format } = serde_json::from_slice(bytes).map_err(corrupt)?;
        if format != FORMAT {
            return Err(LeaseError::UnknownFormat { found: format });
        }
        serde_json::from_slice(bytes).map_err(corrupt)
    }

    /// For people: nobody holds the founding epoch.
    pub fn holder_name(&self) -> &str {
        let holder = self.holder.as_ref();
        holder.map_or("nobody", |holder| holder.node.as_str())
    }

    /// Reads a lease and refuses another cluster's.
    pub fn decode_of(bytes: &[u8], cluster: ClusterId) -> Result<Lease, LeaseError> {
        let lease = Lease::decode(bytes)?;
        if lease.cluster != cluster {
            return Err(LeaseError::ForeignCluster {
                found: lease.cluster,
                expected: cluster,
            });
        }
        Ok(lease)
    }

    pub fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    pub fn is_held_by(&self, member: &Member) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|h| h.incarnation == member.incarnation)
    }

    /// Whether the holder is this member, or an earlier process on its disk.
    pub(crate) fn is_of_data_root(&self, member: &Member) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|h| h.node == member.node && h.data_id == member.data_id)
    }

    pub(crate) fn remember(&mut self, record: EpochRecord) {
        self.history.push(record);
        let excess = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..excess);
    }
}
