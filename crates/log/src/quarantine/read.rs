use super::QuarantineError;
use super::format::{BLOCK_BYTES, Summary, directory};
use super::store::extend;
use crate::{Batch, BatchHeader, Damage, Disk, DiskErrorKind};
use bytes::Bytes;
use understudy_types::ShardName;

/// What is in a shard's quarantine, by name. Reads headers only.
pub fn list<D: Disk>(disk: &D, shard: &ShardName) -> Result<Vec<Summary>, QuarantineError> {
    let directory = directory(shard);
    let names = match disk.list(&directory) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let kept = names.iter().filter(|name| name.ends_with(".batches"));
    kept.map(|name| summary(disk, &format!("{directory}/{name}")))
        .collect()
}

/// One quarantined tail, every batch verified and linked to the one before.
/// `file_name` is [`Summary::file_name`].
pub fn read<D: Disk>(
    disk: &D,
    shard: &ShardName,
    file_name: &str,
) -> Result<(Summary, Vec<Batch>), QuarantineError> {
    let path = format!("{}/{file_name}", directory(shard));
    let bytes = disk.read(&path)?;
    let summary = Summary::decode(&path, &bytes[..bytes.len().min(BLOCK_BYTES)])?;
    let mut rest = bytes.slice(BLOCK_BYTES.min(bytes.len())..);
    let mut batches = Vec::new();
    let mut found = None;
    while !rest.is_empty() {
        let offset = (bytes.len() - rest.len()) as u64;
        let batch = next_batch(&mut rest).map_err(|error| damage(&path, offset, &error))?;
        found = match extend(found, &summary.notice, &batch) {
            Ok(found) => Some(found),
            Err(error) => return Err(damage(&path, offset, &error).into()),
        };
        batches.push(batch);
    }
    if found.as_ref() != Some(&summary) {
        let offset = bytes.len() as u64;
        return Err(damage(&path, offset, &"batches other than the header says").into());
    }
    Ok((summary, batches))
}

fn summary<D: Disk>(disk: &D, path: &str) -> Result<Summary, QuarantineError> {
    let file = disk.open(path)?;
    let mut block = vec![0; BLOCK_BYTES];
    let read = disk.read_at(&file, 0, &mut block)?;
    Summary::decode(path, &block[..read])
}

fn next_batch(rest: &mut Bytes) -> Result<Batch, crate::BatchError> {
    let length = BatchHeader::parse(rest)?.batch_bytes();
    Batch::decode(rest.split_to(length.min(rest.len())))
}

fn damage(path: &str, offset: u64, found: &dyn std::fmt::Display) -> Damage {
    let expected = "a batch of the quarantined tail".to_owned();
    Damage {
        file: path.to_owned(),
        offset,
        expected,
        found: found.to_string(),
    }
}
