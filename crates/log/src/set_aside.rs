//! Setting a damaged end of a log aside, so that its node can fetch it anew.
//!
//! Damage is never repaired by guessing: the segment that has it, and all
//! later ones, go to another directory as they are, and the log ends before
//! them. The data root gets a new data id *first*, and durably: from then on
//! this is a new standby, which stands on nothing that its name has
//! acknowledged, until it has fetched all of it again.

use crate::recovery::{ShardRoot, walk};
use crate::segment::{list_segments, segment_path, shard_directory};
use crate::{Batch, Damage, Disk, DiskError, DiskErrorKind, Identity, LogError};
use understudy_types::{ByteCount, ClusterId, DataId, Epoch, Lsn, ShardName};

/// A shard's log as far as it must be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedEnd {
    pub shard: ShardName,
    pub damage: Damage,
    /// The damaged segment and all later ones, oldest first, relative to the
    /// data root.
    pub segments: Vec<String>,
    pub bytes: ByteCount,
    /// The last epoch of what stays; `None` when nothing does.
    pub sound_epoch: Option<Epoch>,
}

impl DamagedEnd {
    /// Where its segments go, relative to the data root.
    pub fn directory(&self) -> String {
        directory_of(&self.shard)
    }
}

/// Walks the log; `None` when it is sound. Changes nothing. The node must not
/// be running.
pub fn find_damaged_end<D: Disk>(
    disk: &D,
    cluster: ClusterId,
    shard: &ShardName,
) -> Result<Option<DamagedEnd>, LogError> {
    find_damaged_end_with(disk, cluster, shard, &mut |_| {})
}

/// The same, and shows every sound batch to `visit`, in order.
pub fn find_damaged_end_with<D: Disk>(
    disk: &D,
    cluster: ClusterId,
    shard: &ShardName,
    visit: &mut dyn FnMut(&Batch),
) -> Result<Option<DamagedEnd>, LogError> {
    let mut epochs: Vec<(Epoch, Lsn)> = Vec::new();
    let mut note = |batch: &Batch| {
        if epochs.last().is_none_or(|(last, _)| *last != batch.epoch()) {
            epochs.push((batch.epoch(), batch.first_lsn()));
        }
        visit(batch);
    };
    let root = ShardRoot::new(cluster, shard);
    let damage = match walk(disk, &root, &mut note) {
        Ok(_) => return Ok(None),
        Err(LogError::Damaged(damage)) => *damage,
        Err(error) => return Err(error),
    };
    let directory = shard_directory(shard);
    let all = list_segments(disk, &directory)?;
    let whole = |first: &Lsn| segment_path(&directory, *first) < damage.file;
    let damaged = &all[all.partition_point(whole)..];
    let stays = |(_, begins): &&(Epoch, Lsn)| damaged.first().is_none_or(|gone| begins < gone);
    let sound_epoch = epochs.iter().rfind(stays).map(|(epoch, _)| *epoch);
    let segments: Vec<_> = damaged
        .iter()
        .map(|first| segment_path(&directory, *first))
        .collect();
    let mut bytes = 0;
    for segment in &segments {
        bytes += disk.len(&disk.open(segment)?)?;
    }
    Ok(Some(DamagedEnd {
        shard: shard.clone(),
        damage,
        segments,
        bytes: ByteCount(bytes),
        sound_epoch,
    }))
}

/// Sets all of `ends` aside, durably. When it fails, or the power does, the
/// root already counts as new, and doing it again finishes it.
pub fn set_aside<D: Disk>(
    disk: &D,
    identity: &Identity,
    data_id: DataId,
    ends: &[DamagedEnd],
) -> Result<(), DiskError> {
    identity.with_data_id(data_id).replace(disk)?;
    for end in ends {
        let directory = prepare_directory(disk, &end.shard)?;
        // The latest first: what a crash leaves has no gap.
        for segment in end.segments.iter().rev() {
            disk.rename(segment, &free_name(disk, &directory, segment)?)?;
        }
        disk.sync_dir(&directory)?;
        disk.sync_dir(&shard_directory(&end.shard))?;
    }
    Ok(())
}

fn directory_of(shard: &ShardName) -> String {
    format!("damaged/{shard}")
}

/// Where a shard's damaged segments are kept. Its name is durable on return.
pub(crate) fn prepare_directory<D: Disk>(disk: &D, shard: &ShardName) -> Result<String, DiskError> {
    let directory = directory_of(shard);
    disk.create_dir(&directory)?;
    for parent in ["", "damaged"] {
        disk.sync_dir(parent)?;
    }
    Ok(directory)
}

/// The segment's own name, or with a number where an earlier one lies.
pub(crate) fn free_name<D: Disk>(
    disk: &D,
    directory: &str,
    segment: &str,
) -> Result<String, DiskError> {
    let taken = match disk.list(directory) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let name = segment.rsplit('/').next().expect("a path has a name");
    let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}.{n}")));
    let free = names.into_iter().find(|name| !taken.contains(name));
    Ok(format!("{directory}/{}", free.expect("numbers do not end")))
}
