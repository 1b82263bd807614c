//! The writer of one shard's log.

mod append;
mod history;
mod open;
mod roll;
mod shared;
mod spare;
mod truncate;

pub use history::EpochFork;
pub(crate) use history::History;
pub(crate) use shared::{Shared, lock as lock_shared};

use crate::recovery::{ShardRoot, find_batch_end};
use crate::{Disk, LogError, ReaderFactory, Scrub};
use roll::Active;
use spare::Spare;
use std::sync::{Arc, Mutex};
use understudy_types::{ByteCount, ChainHash, ClusterId, Epoch, Lsn, Position, ShardName};

/// A segment's size unless the configuration says otherwise.
pub const DEFAULT_SEGMENT_SIZE: ByteCount = ByteCount::mib(64);

/// Which log, and how it is cut into files.
#[derive(Debug, Clone)]
pub struct LogConfig {
    pub cluster: ClusterId,
    pub shard: ShardName,
    /// Of one file, header block included; a larger batch gets a larger one.
    pub segment_size: ByteCount,
}

/// The log of one shard. One writer; readers come from
/// [`Log::reader_factory`].
///
/// ```text
///   1 ............ flushed ............ written
///   └─ durable, readers may see it ─┘└─ lost in a power cut ─┘
/// ```
/// Both watermarks are ends of batches and inclusive.
pub struct Log<D: Disk> {
    disk: Arc<D>,
    config: LogConfig,
    root: ShardRoot,
    history: History,
    flushed: Option<Position>,
    shared: Arc<Mutex<Shared>>,
    /// Absent before the first batch, and after a cut at a segment's end.
    active: Option<Active<D>>,
    spare: Spare<D>,
    poisoned: bool,
}

impl<D: Disk> Log<D> {
    /// The end of what was appended.
    pub fn written(&self) -> Option<Position> {
        self.history.head()
    }

    /// The end of what is on stable storage.
    pub fn flushed(&self) -> Option<Position> {
        self.flushed
    }

    /// What the next batch must link to; the genesis hash when empty.
    pub fn head_hash(&self) -> ChainHash {
        self.history.head_hash()
    }

    pub fn next_lsn(&self) -> Lsn {
        self.history.next_lsn()
    }

    pub fn last_epoch(&self) -> Option<Epoch> {
        self.history.last_epoch()
    }

    /// The epochs that have batches here, oldest first.
    pub fn epoch_history(&self) -> &[EpochFork] {
        self.history.epochs()
    }

    /// Where the epochs up to and including `epoch` ended: the fork of the
    /// first later epoch. `None` when no later epoch has begun here;
    /// `Some(None)` when they ended before the first batch.
    pub fn end_of_epoch(&self, epoch: Epoch) -> Option<Option<Position>> {
        self.history.end_of_epoch(epoch)
    }

    /// Canonical bytes of all batches from the first one on.
    pub fn bytes_total(&self) -> ByteCount {
        ByteCount(self.history.bytes_total())
    }

    /// The position at `lsn`, if a batch ends exactly there.
    pub fn position_at(&self, lsn: Lsn) -> Result<Option<Position>, LogError> {
        self.check_alive()?;
        if Some(lsn) > self.written().map(|head| head.lsn) {
            return Ok(None);
        }
        let place = self.lock().map.locate(lsn);
        let place = place.expect("every record up to the head is in a segment");
        let position = find_batch_end(&*self.disk, &place, lsn)?.header.position();
        Ok((position.lsn == lsn).then_some(position))
    }

    /// Makes readers that are independent of this writer.
    pub fn reader_factory(&self) -> ReaderFactory<D> {
        ReaderFactory::new(
            self.disk.clone(),
            self.shared.clone(),
            self.history.genesis(),
        )
    }

    /// Verifies what is written no more, beside this writer.
    pub fn scrub(&self) -> Scrub<D> {
        Scrub::new(self.disk.clone(), self.root.clone(), self.shared.clone())
    }

    fn check_alive(&self) -> Result<(), LogError> {
        if self.poisoned {
            Err(LogError::Poisoned)
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        shared::lock(&self.shared)
    }
}

impl<D: Disk> std::fmt::Debug for Log<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("shard", &self.config.shard)
            .field("written", &self.written())
            .field("flushed", &self.flushed)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}
