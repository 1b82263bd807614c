//! etcd's numbers for our names.

use understudy_types::{ClusterId, Epoch, NodeId};
use understudy_wire::etcd::etcdserverpb::ResponseHeader;

/// Who answers: stable for as long as the cluster and the node's name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    cluster_id: u64,
    member_id: u64,
}

impl Identity {
    pub(crate) fn new(cluster: ClusterId, node: &NodeId) -> Self {
        Identity {
            cluster_id: fnv1a([cluster.as_bytes().as_slice()]),
            member_id: member_id(cluster, node),
        }
    }

    pub(crate) fn header(&self, revision: i64, epoch: Epoch) -> ResponseHeader {
        ResponseHeader {
            cluster_id: self.cluster_id,
            member_id: self.member_id,
            revision,
            raft_term: epoch.get(),
        }
    }
}

pub(crate) fn member_id(cluster: ClusterId, node: &NodeId) -> u64 {
    fnv1a([cluster.as_bytes().as_slice(), node.as_str().as_bytes()])
}

/// FNV-1a, 64 bits. Never 0, which stands for "no member".
fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = parts.into_iter().flatten().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    });
    hash.max(1)
}
