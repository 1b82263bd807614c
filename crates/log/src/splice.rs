//! A damaged segment between sound ones, replaced by what was in it.
//!
//! The segment behind it names the chain hash that it must end with. So
//! batches from anywhere, that lead from the hash before it to that one, are
//! the very bytes that were there: nothing else of the log changes, and what
//! this node has acknowledged still stands.

use crate::disk::fresh_file;
use crate::log::History;
use crate::recovery::{ShardRoot, walk};
use crate::segment::frame::{self, FRAME_BYTES};
use crate::segment::{
    HEADER_BLOCK_BYTES, SegmentHeader, list_segments, segment_path, shard_directory,
};
use crate::set_aside::{free_name, prepare_directory};
use crate::{AppendRefusal, Batch, Damage, Disk, DiskError, LogError};
use understudy_types::{ChainHash, ClusterId, Lsn, Position, ShardName};

/// A damaged segment whose beginning and end are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub cluster: ClusterId,
    pub shard: ShardName,
    pub damage: Damage,
    /// Where the log stands before it; `None` when it is the first segment.
    pub before: Option<Position>,
    pub end: Position,
}

impl Gap {
    pub fn first_lsn(&self) -> Lsn {
        Lsn::after(self.before.map(|before| before.lsn))
    }

    fn path(&self) -> String {
        segment_path(&shard_directory(&self.shard), self.first_lsn())
    }
}

/// What was fetched is not what was there; the log is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SpliceError {
    #[error("the batch does not follow: {0}")]
    Refused(#[from] AppendRefusal),
    #[error("the batches end at {found:?}, the next segment follows {expected}")]
    OtherEnd {
        expected: Position,
        found: Option<Position>,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Walks the log up to the first damage; `None` when there is none, or none
/// between sound segments. Changes nothing. The node must not be running.
pub fn find_gap<D: Disk>(
    disk: &D,
    cluster: ClusterId,
    shard: &ShardName,
) -> Result<Option<Gap>, LogError> {
    let root = ShardRoot::new(cluster, shard);
    let mut ends = Vec::new();
    let segments = list_segments(disk, &root.directory)?;
    let walked = walk(disk, &root, &mut |batch| {
        let position = batch.position();
        if segments.binary_search(&position.lsn.plus(1)).is_ok() {
            ends.push(position);
        }
    });
    let damage = match walked {
        Ok(_) => return Ok(None),
        Err(LogError::Damaged(damage)) => *damage,
        Err(error) => return Err(error),
    };
    let damaged = segments
        .iter()
        .position(|first| segment_path(&root.directory, *first) == damage.file);
    let Some([first, next]) = damaged.and_then(|at| segments.get(at..at + 2)) else {
        return Ok(None);
    };
    let before = ends.into_iter().rfind(|end| end.lsn < *first);
    let follows = Lsn::after(before.map(|before| before.lsn)) == *first;
    let end = end_before(disk, &root, *next)?;
    Ok(end.filter(|_| follows).map(|end| Gap {
        cluster,
        shard: shard.clone(),
        damage,
        before,
        end,
    }))
}

/// What the header of a sound segment says of the one before it.
fn end_before<D: Disk>(
    disk: &D,
    root: &ShardRoot,
    first_lsn: Lsn,
) -> Result<Option<Position>, DiskError> {
    let file = disk.open(&segment_path(&root.directory, first_lsn))?;
    let mut block = vec![0; HEADER_BLOCK_BYTES];
    let read = disk.read_at(&file, 0, &mut block)?;
    let header = SegmentHeader::decode(&block[..read]).ok();
    let own = header.filter(|header| {
        header.cluster == root.cluster
            && header.shard == root.shard
            && header.first_lsn == first_lsn
    });
    let lsn = Lsn::new(first_lsn.get() - 1);
    Ok(own.zip(lsn).map(|(header, lsn)| Position {
        lsn,
        hash: header.previous,
    }))
}

/// A segment being written in the place of a damaged one.
pub struct Splice<'a, D: Disk> {
    disk: &'a D,
    gap: &'a Gap,
    file: D::File,
    /// The chain hash before the segment.
    salt: ChainHash,
    history: History,
    offset: u64,
}

impl<D: Disk> std::fmt::Debug for Splice<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Splice")
            .field("gap", self.gap)
            .finish_non_exhaustive()
    }
}

impl<'a, D: Disk> Splice<'a, D> {
    /// Nothing of the log is touched before [`Splice::finish`].
    pub fn begin(disk: &'a D, gap: &'a Gap) -> Result<Self, DiskError> {
        let history = History::standing_at(gap.cluster, &gap.shard, gap.before);
        let salt = history.head_hash();
        let file = fresh_file(disk, &temporary(gap), 0)?;
        let header = SegmentHeader {
            cluster: gap.cluster,
            shard: gap.shard.clone(),
            first_lsn: gap.first_lsn(),
            previous: salt,
        };
        disk.write_at(&file, 0, &header.encode())?;
        Ok(Splice {
            disk,
            gap,
            file,
            salt,
            history,
            offset: HEADER_BLOCK_BYTES as u64,
        })
    }

    /// The next batch, which was decoded and with that verified.
    pub fn push(&mut self, batch: &Batch) -> Result<(), SpliceError> {
        self.history.check(batch.header())?;
        let flushed = self.gap.before.map(|before| before.lsn);
        let frame = frame::encode(&self.salt, flushed, batch.bytes());
        self.disk.write_at(&self.file, self.offset, &frame)?;
        self.disk
            .write_at(&self.file, self.offset + FRAME_BYTES as u64, batch.bytes())?;
        self.offset += frame::entry_bytes(batch.bytes().len());
        self.history.note(batch.header());
        Ok(())
    }

    /// Puts it in the damaged one's place, when it ends where that must. The
    /// damaged bytes are kept under `damaged/`. Durable on return; a power cut
    /// leaves the one or the other, whole.
    pub fn finish(self) -> Result<(), SpliceError> {
        let (expected, found) = (self.gap.end, self.history.head());
        if found != Some(expected) {
            return Err(SpliceError::OtherEnd { expected, found });
        }
        self.disk.truncate(&self.file, self.offset)?;
        self.disk.sync_data(&self.file)?;
        let path = self.gap.path();
        keep_copy(self.disk, &self.gap.shard, &path)?;
        self.disk.rename(&temporary(self.gap), &path)?;
        self.disk.sync_dir(&shard_directory(&self.gap.shard))?;
        Ok(())
    }
}

/// A leftover of it goes at the next opening of the log.
fn temporary(gap: &Gap) -> String {
    format!("{}.tmp", gap.path())
}

fn keep_copy<D: Disk>(disk: &D, shard: &ShardName, path: &str) -> Result<(), DiskError> {
    let directory = prepare_directory(disk, shard)?;
    let bytes = disk.read(path)?;
    let copy = fresh_file(disk, &free_name(disk, &directory, path)?, 0)?;
    disk.write_at(&copy, 0, &bytes)?;
    disk.sync_data(&copy)?;
    disk.sync_dir(&directory)
}
