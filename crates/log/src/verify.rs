use crate::recovery::{ShardRoot, TornTail, walk};
use crate::{Batch, Disk, LogError};
use understudy_types::{ByteCount, ClusterId, Position, ShardName, lsn_value};

/// What a walk over a stopped node's log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    pub head: Option<Position>,
    pub batches: u64,
    pub records: u64,
    /// Canonical bytes.
    pub bytes: ByteCount,
    pub segments: usize,
    /// What the next opening will cut.
    pub torn_tail: Option<TornTail>,
}

/// Verifies a shard's whole log and changes nothing. The node must not be
/// running. `LogError::Damaged` names the first place that is not right.
pub fn verify<D: Disk>(
    disk: &D,
    cluster: ClusterId,
    shard: &ShardName,
) -> Result<VerifyReport, LogError> {
    verify_with(disk, cluster, shard, &mut |_| {})
}

/// As [`verify`], and shows every batch to `visit`, in order.
pub fn verify_with<D: Disk>(
    disk: &D,
    cluster: ClusterId,
    shard: &ShardName,
    visit: &mut dyn FnMut(&Batch),
) -> Result<VerifyReport, LogError> {
    let walked = walk(disk, &ShardRoot::new(cluster, shard), visit)?;
    let head = walked.history.head();
    Ok(VerifyReport {
        head,
        batches: walked.history.batches(),
        records: lsn_value(head.map(|head| head.lsn)),
        bytes: ByteCount(walked.history.bytes_total()),
        segments: walked.map.segments.len(),
        torn_tail: walked.torn_tail,
    })
}
