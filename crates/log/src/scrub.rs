//! Verifying, beside the writer, the segments that are written no more.

use crate::log::{Shared, lock_shared};
use crate::recovery::{ShardRoot, walk_sealed};
use crate::{Batch, Damage, Disk, DiskErrorKind, LogError};
use std::sync::{Arc, Mutex};
use understudy_types::{Lsn, Position};

/// Reads a log's sealed segments again, as recovery would. Independent of the
/// writer and of the readers.
pub struct Scrub<D: Disk> {
    disk: Arc<D>,
    root: ShardRoot,
    shared: Arc<Mutex<Shared>>,
}

impl<D: Disk> std::fmt::Debug for Scrub<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub").finish_non_exhaustive()
    }
}

/// A segment that was followed by another one when it was listed.
#[derive(Debug, Clone)]
pub struct Sealed {
    path: String,
    first_lsn: Lsn,
    /// Where the log stood before it; `None` for the first one.
    before: Option<Position>,
    end: Position,
    /// Canonical bytes of its batches.
    pub bytes: u64,
    cuts: u64,
}

impl Sealed {
    /// The last batch's position in it.
    pub fn end(&self) -> Position {
        self.end
    }
}

/// What a look at a segment gave, when it found no damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrubbed {
    Sound,
    /// The log was cut meanwhile: list the segments anew.
    Cut,
}

impl<D: Disk> Scrub<D> {
    pub(crate) fn new(disk: Arc<D>, root: ShardRoot, shared: Arc<Mutex<Shared>>) -> Self {
        Scrub { disk, root, shared }
    }

    /// All segments but the one that is written, oldest first.
    pub fn sealed(&self) -> Vec<Sealed> {
        let shared = lock_shared(&self.shared);
        let pairs = shared.map.segments.windows(2);
        let sealed = pairs.map(|pair| {
            let [this, next] = pair else {
                unreachable!("windows of two");
            };
            Sealed {
                path: this.path.clone(),
                first_lsn: this.first_lsn,
                before: this.before(),
                end: next.before().expect("the first segment has a record"),
                bytes: this.batch_bytes(),
                cuts: shared.cuts,
            }
        });
        sealed.collect()
    }

    /// Verifies every byte of a segment, as the device has it and not the
    /// system's memory. `pace` is told each batch's bytes, and may take its
    /// time. `LogError::Damaged` names the first place that is not right.
    pub fn verify(
        &self,
        segment: &Sealed,
        pace: &mut dyn FnMut(usize),
    ) -> Result<Scrubbed, LogError> {
        let result = self.walk(segment, pace);
        if lock_shared(&self.shared).cuts != segment.cuts {
            return Ok(Scrubbed::Cut);
        }
        match result {
            Ok(()) => Ok(Scrubbed::Sound),
            Err(LogError::Disk(error)) if error.kind == DiskErrorKind::NotFound => Err(Damage {
                file: segment.path.clone(),
                offset: 0,
                expected: format!("the segment that begins with record {}", segment.first_lsn),
                found: "no file".to_owned(),
            }
            .into()),
            Err(error) => Err(error),
        }
    }

    fn walk(&self, segment: &Sealed, pace: &mut dyn FnMut(usize)) -> Result<(), LogError> {
        self.disk.forget_cached(&segment.path)?;
        let visit = &mut |batch: &Batch| pace(batch.bytes().len());
        let (end, offset) = walk_sealed(
            &*self.disk,
            &self.root,
            segment.before,
            segment.first_lsn,
            visit,
        )?;
        if end == Some(segment.end) {
            return Ok(());
        }
        let found = end.map_or("nothing".to_owned(), |end| format!("an end at {end}"));
        Err(Damage {
            file: segment.path.clone(),
            offset,
            expected: format!("batches up to {}", segment.end),
            found,
        }
        .into())
    }
}
