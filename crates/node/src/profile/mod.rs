//! What a node says of itself, so that another one can compare: a standby
//! knows its primary's word, also when that primary is gone by now.

mod compare;
mod known;
mod own;
mod proof;

pub use compare::{compare_versions, differences, is_decisive};
pub(crate) use known::{Heard, KnownPrimary, Source, watch};
pub(crate) use own::{own, shared_settings};
pub use proof::{Proof, Proofs};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_types::{NodeId, ShardName};

/// The answer of `Admin.Profile`, and `primary.json` in a data root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeProfile {
    pub node: NodeId,
    pub version: String,
    pub cores: usize,
    /// Bytes, over all shards.
    pub state_memory_bytes: u64,
    /// Its wall clock when it answered.
    pub wall_millis: u64,
    /// The settings that two nodes of a pair should share, by field.
    pub settings: BTreeMap<String, String>,
    /// Digests of the secrets in its file, by field.
    pub secrets: BTreeMap<String, String>,
    /// Absent of a version that does not say it.
    #[serde(default)]
    pub proofs: Option<Proofs>,
    /// Whether it refuses writes, as primary.
    #[serde(default)]
    pub maintenance: bool,
    /// A primary's standbys, and what each has flushed.
    pub standbys: BTreeMap<NodeId, BTreeMap<ShardName, u64>>,
    /// Who holds the lease, as this node last saw it, for whoever looks for
    /// the other node.
    #[serde(default)]
    pub holder: Option<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub node: NodeId,
    /// Its replication address.
    pub address: String,
}
