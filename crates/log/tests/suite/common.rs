//! What the tests build logs from.

use std::sync::Arc;
use understudy_log::{
    Batch, BatchBuilder, BatchStart, Disk, Log, LogConfig, LogError, Record, RecoveryReport,
    SimDisk,
};
use understudy_types::{ByteCount, ChainHash, ClusterId, Epoch, Lsn, ShardName};

pub(crate) const CLUSTER: ClusterId = ClusterId::from_bytes([7; 16]);

pub(crate) fn shard() -> ShardName {
    "main".parse().unwrap()
}

pub(crate) fn lsn(value: u64) -> Lsn {
    Lsn::new(value).unwrap()
}

pub(crate) fn config(segment_bytes: u64) -> LogConfig {
    LogConfig {
        cluster: CLUSTER,
        shard: shard(),
        segment_size: ByteCount(segment_bytes),
    }
}

pub(crate) fn genesis() -> ChainHash {
    ChainHash::genesis(CLUSTER, &shard())
}

pub(crate) fn batch_after(first: Lsn, previous: ChainHash, epoch: u64, bodies: &[&[u8]]) -> Batch {
    let epoch = Epoch::new(epoch);
    let start = BatchStart {
        epoch,
        first_lsn: first,
        committed: None,
        wall_millis: 1,
        previous,
    };
    let mut builder = BatchBuilder::new(start);
    bodies.iter().for_each(|body| builder.push_command(body));
    builder.finish()
}

pub(crate) fn next_batch<D: Disk>(log: &Log<D>, epoch: u64, bodies: &[&[u8]]) -> Batch {
    batch_after(log.next_lsn(), log.head_hash(), epoch, bodies)
}

/// Bytes that differ by lsn and have no blank sector.
pub(crate) fn body(lsn: u64, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| 1 + ((lsn as usize * 31 + i) % 251) as u8)
        .collect()
}

/// Appends one record; the log is not flushed.
pub(crate) fn append_one<D: Disk>(log: &mut Log<D>, epoch: u64, length: usize) -> Batch {
    let body = body(log.next_lsn().get(), length);
    let batch = next_batch(log, epoch, &[&body]);
    log.append(&batch).unwrap();
    batch
}

pub(crate) struct Opened<D: Disk> {
    pub(crate) log: Log<D>,
    pub(crate) report: RecoveryReport,
    pub(crate) batches: Vec<Batch>,
}

pub(crate) fn open<D: Disk>(disk: &Arc<D>, segment_bytes: u64) -> Result<Opened<D>, LogError> {
    let mut batches = Vec::new();
    let visit = &mut |batch: &Batch| batches.push(batch.clone());
    let (log, report) = Log::open_with(disk.clone(), config(segment_bytes), visit)?;
    Ok(Opened {
        log,
        report,
        batches,
    })
}

pub(crate) fn sim() -> Arc<SimDisk> {
    let disk = SimDisk::new();
    disk.create_dir("").unwrap();
    Arc::new(disk)
}

pub(crate) fn commands(batch: &Batch) -> Vec<Vec<u8>> {
    batch
        .records()
        .map(|(_, record)| match record {
            Record::Command(body) => body.to_vec(),
            other => panic!("not a command: {other:?}"),
        })
        .collect()
}
