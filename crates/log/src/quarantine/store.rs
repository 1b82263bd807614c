use super::format::{BLOCK_BYTES, FORMAT_VERSION, Notice, Summary, directory};
use super::{QuarantineError, read};
use crate::disk::fresh_file;
use crate::{Batch, Disk, DiskErrorKind, LogError};
use understudy_types::ByteCount;

/// Keeps a tail. Durable on return, and to be called before the log is cut;
/// a crash on the way leaves nothing that is listed. Storing the same tail
/// again keeps the first file and its notice.
pub fn store<D: Disk>(
    disk: &D,
    notice: &Notice,
    tail: impl Iterator<Item = Result<Batch, LogError>>,
) -> Result<Summary, QuarantineError> {
    let directory = directory(&notice.shard);
    disk.create_dir(&directory)?;
    disk.sync_dir("")?;
    disk.sync_dir("quarantine")?;
    let incoming = format!("{directory}/incoming.tmp");
    let file = fresh_file(disk, &incoming, 0)?;
    let summary = write_tail(disk, &file, notice, tail)?;
    disk.write_at(&file, 0, &summary.encode()?)?;
    disk.sync_data(&file)?;
    let kept = keep(disk, &incoming, summary)?;
    disk.sync_dir(&directory)?;
    Ok(kept)
}

fn write_tail<D: Disk>(
    disk: &D,
    file: &D::File,
    notice: &Notice,
    tail: impl Iterator<Item = Result<Batch, LogError>>,
) -> Result<Summary, QuarantineError> {
    let mut summary: Option<Summary> = None;
    for batch in tail {
        let batch = batch?;
        let next = extend(summary, notice, &batch)?;
        let offset = BLOCK_BYTES as u64 + next.bytes.get() - batch.bytes().len() as u64;
        disk.write_at(file, offset, batch.bytes())?;
        summary = Some(next);
    }
    summary.ok_or(QuarantineError::Nothing)
}

/// The summary with one batch more.
pub(super) fn extend(
    summary: Option<Summary>,
    notice: &Notice,
    batch: &Batch,
) -> Result<Summary, QuarantineError> {
    let linked = summary.as_ref().is_none_or(|so_far| {
        so_far.last.hash == batch.previous() && so_far.last.lsn.plus(1) == batch.first_lsn()
    });
    if !linked {
        return Err(QuarantineError::Unlinked {
            first_lsn: batch.first_lsn(),
        });
    }
    let bytes = ByteCount(batch.bytes().len() as u64);
    Ok(Summary {
        format: FORMAT_VERSION,
        notice: notice.clone(),
        epoch: batch.epoch(),
        first_lsn: summary
            .as_ref()
            .map_or(batch.first_lsn(), |so_far| so_far.first_lsn),
        last: batch.position(),
        batches: summary.as_ref().map_or(0, |so_far| so_far.batches) + 1,
        bytes: summary.map_or(ByteCount::ZERO, |so_far| so_far.bytes) + bytes,
    })
}

/// Gives the incoming file its name, unless the same tail has it already.
/// Whatever else has that name is not replaced.
fn keep<D: Disk>(disk: &D, incoming: &str, summary: Summary) -> Result<Summary, QuarantineError> {
    match read(disk, &summary.notice.shard, &summary.file_name()) {
        Ok((earlier, _)) if earlier.last == summary.last => {
            disk.remove(incoming)?;
            Ok(earlier)
        }
        Err(QuarantineError::Disk(error)) if error.kind == DiskErrorKind::NotFound => {
            disk.rename(incoming, &summary.path())?;
            Ok(summary)
        }
        Ok(_) => Err(QuarantineError::Conflict {
            file: summary.path(),
        }),
        // What could not be read may be the same tail: that is for people.
        Err(error) => Err(error),
    }
}
