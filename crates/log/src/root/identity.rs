use super::RootError;
use crate::disk::{read_optional, replace_durably};
use crate::{Disk, DiskError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use understudy_types::{ClusterId, DataId, NodeId};

/// The version of `identity.json` that this code reads and writes.
pub const IDENTITY_FORMAT: u32 = 1;
const FILE: &str = "identity.json";

/// Whose data root this is. Written once; only setting damage aside changes
/// its data id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    format: u32,
    pub cluster: ClusterId,
    pub node: NodeId,
    /// New for every data root: a node whose disk was replaced has another.
    pub data_id: DataId,
    /// Milliseconds since the Unix epoch, for people.
    pub created: u64,
}

impl Identity {
    pub fn new(cluster: ClusterId, node: NodeId, data_id: DataId, created_millis: u64) -> Self {
        Identity {
            format: IDENTITY_FORMAT,
            cluster,
            node,
            data_id,
            created: created_millis,
        }
    }

    /// Reads it, without asking whose it is.
    pub fn load<D: Disk>(disk: &D) -> Result<Option<Identity>, RootError> {
        load_json(disk, FILE, IDENTITY_FORMAT)
    }

    /// Durable on return; refuses when there is one.
    pub(super) fn create<D: Disk>(&self, disk: &D) -> Result<(), RootError> {
        if let Some(owner) = Self::load(disk)? {
            return Err(RootError::AlreadyFounded(owner.node));
        }
        Ok(store_json(disk, FILE, self)?)
    }

    /// The same root as a disk that has acknowledged nothing yet.
    pub(crate) fn with_data_id(&self, data_id: DataId) -> Identity {
        Identity {
            data_id,
            ..self.clone()
        }
    }

    /// Durable on return.
    pub(crate) fn replace<D: Disk>(&self, disk: &D) -> Result<(), DiskError> {
        store_json(disk, FILE, self)
    }

    pub(super) fn check(&self, cluster: ClusterId, node: &NodeId) -> Result<(), RootError> {
        if self.cluster != cluster {
            return Err(RootError::OtherCluster {
                expected: cluster,
                found: self.cluster,
            });
        }
        if self.node != *node {
            let (expected, found) = (node.clone(), self.node.clone());
            return Err(RootError::OtherNode { expected, found });
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// Reads a small file of ours; its format is judged before its fields.
pub(super) fn load_json<D: Disk, T: DeserializeOwned>(
    disk: &D,
    file: &'static str,
    supported: u32,
) -> Result<Option<T>, RootError> {
    let Some(bytes) = read_optional(disk, file)? else {
        return Ok(None);
    };
    let malformed = |e: serde_json::Error| RootError::Malformed {
        file,
        reason: e.to_string(),
    };
    let FormatOnly { format: found } = serde_json::from_slice(&bytes).map_err(malformed)?;
    if found != supported {
        return Err(RootError::Format {
            file,
            found,
            supported,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}

/// Replaces a small file of ours, durably.
pub(super) fn store_json<D: Disk, T: Serialize>(
    disk: &D,
    file: &'static str,
    value: &T,
) -> Result<(), DiskError> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain fields become JSON");
    text.push(b'\n');
    replace_durably(disk, file, &text)
}
