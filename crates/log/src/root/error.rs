use crate::DiskError;
use understudy_types::{ClusterId, Epoch, NodeId};

/// Why a data root cannot be used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error(
        "the data root has no identity.json: found it with `understudy init`, \
         or correct data_root in the configuration"
    )]
    Unfounded,
    #[error(
        "the data root already belongs to node {0}: choose an empty folder, or start that node"
    )]
    AlreadyFounded(NodeId),
    #[error(
        "the data root belongs to cluster {found}, the configuration names {expected}: \
         correct the configuration, or give this node a data root of its own"
    )]
    OtherCluster {
        expected: ClusterId,
        found: ClusterId,
    },
    #[error(
        "the data root belongs to node {found}, the configuration names {expected}: \
         correct the configuration, or give this node a data root of its own"
    )]
    OtherNode { expected: NodeId, found: NodeId },
    #[error(
        "{file} has format {found}, this build supports {supported}: \
         run the version of understudy that wrote it"
    )]
    Format {
        file: &'static str,
        found: u32,
        supported: u32,
    },
    #[error("{file} cannot be understood ({reason}): restore it, or found the node anew")]
    Malformed { file: &'static str, reason: String },
    #[error(
        "the data root is in use by {holder}: stop that process first, \
         two processes on one data root would destroy it"
    )]
    Locked { holder: String },
    #[error("the lock file cannot be used: {0}")]
    Lock(#[source] std::io::Error),
    #[error("epoch {promised} is promised already, {asked} is older")]
    OlderPromise { promised: Epoch, asked: Epoch },
    #[error(transparent)]
    Disk(#[from] DiskError),
}
