//! Reading flushed batches beside the writer.

use crate::batch::HEADER_BYTES;
use crate::log::Shared;
use crate::segment::frame::{ENTRY_HEAD_BYTES, EntryError, EntryHead, FRAME_BYTES, entry_bytes};
use crate::segment::{Place, Window};
use crate::{Batch, BatchError, Damage, Disk, DiskErrorKind, LogError};
use std::sync::{Arc, Mutex, MutexGuard};
use understudy_types::{ChainHash, Lsn};

const PIECE_BYTES: usize = 512 * 1024;

/// Makes readers of one log. Cheap to clone, and free of the writer.
pub struct ReaderFactory<D: Disk> {
    disk: Arc<D>,
    shared: Arc<Mutex<Shared>>,
    genesis: ChainHash,
}

impl<D: Disk> Clone for ReaderFactory<D> {
    fn clone(&self) -> Self {
        ReaderFactory::new(self.disk.clone(), self.shared.clone(), self.genesis)
    }
}

impl<D: Disk> std::fmt::Debug for ReaderFactory<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReaderFactory").finish_non_exhaustive()
    }
}

impl<D: Disk> ReaderFactory<D> {
    pub(crate) fn new(disk: Arc<D>, shared: Arc<Mutex<Shared>>, genesis: ChainHash) -> Self {
        ReaderFactory {
            disk,
            shared,
            genesis,
        }
    }

    /// A reader whose first batch is the one that contains record `lsn`. The
    /// record need not exist yet. Touches nothing.
    pub fn read_from(&self, lsn: Lsn) -> Result<LogReader<D>, LogError> {
        let previous = (lsn == Lsn::FIRST).then_some(self.genesis);
        let cuts = self.lock().cuts;
        Ok(LogReader {
            factory: self.clone(),
            next: lsn,
            previous,
            cuts,
            cursor: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        crate::log::lock_shared(&self.shared)
    }
}

/// Reads a log in order, flushed batches only, each verified.
pub struct LogReader<D: Disk> {
    factory: ReaderFactory<D>,
    next: Lsn,
    /// What the next batch must link to, once that is known.
    previous: Option<ChainHash>,
    cuts: u64,
    cursor: Option<Cursor<D>>,
}

/// A place in a segment.
struct Cursor<D: Disk> {
    window: Window<D>,
    place: Place,
    offset: u64,
    /// What the window read was flushed up to here when it was read.
    read_at_flushed: Lsn,
}

impl<D: Disk> std::fmt::Debug for LogReader<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<D: Disk> LogReader<D> {
    /// The record that the next batch begins with, or contains when none was
    /// read yet.
    pub fn next_lsn(&self) -> Lsn {
        self.next
    }

    /// The next batch, if it ends at or below `upto` and is flushed. The
    /// first batch may begin below the record that was asked for.
    /// `HistoryChanged` when the log was cut below what was read. A slice of
    /// the batch may keep up to 512 KiB in memory.
    pub fn next(&mut self, upto: Lsn) -> Result<Option<Batch>, LogError> {
        if self.next > upto {
            return Ok(None);
        }
        let Some(flushed) = self.enter()? else {
            return Ok(None);
        };
        let Some(batch) = self.read(upto, flushed)? else {
            return Ok(None);
        };
        self.check_link(&batch)?;
        self.next = batch.last_lsn().plus(1);
        self.previous = Some(batch.position().hash);
        Ok(Some(batch))
    }

    /// Stands the cursor before the next batch; `None` when that batch is not
    /// flushed yet. Returns what is flushed.
    fn enter(&mut self) -> Result<Option<Lsn>, LogError> {
        loop {
            let (flushed, cuts, place, segment_end) = self.look();
            if cuts != self.cuts {
                self.cuts = cuts;
                self.cursor = None;
            }
            let Some(flushed) = flushed.filter(|flushed| *flushed >= self.next) else {
                return self.none_or_cut(flushed);
            };
            if let Some(cursor) = self.cursor.as_ref()
                && segment_end.is_none_or(|end| cursor.offset < end)
            {
                return Ok(Some(flushed));
            }
            let place = place.expect("every flushed record is in a segment");
            match Window::open(&*self.factory.disk, &place.path, PIECE_BYTES) {
                Ok(window) => {
                    let offset = place.entry.offset;
                    self.cursor = Some(Cursor {
                        window,
                        place,
                        offset,
                        read_at_flushed: flushed,
                    });
                    self.skim(flushed)?;
                    return Ok(Some(flushed));
                }
                // The file went between the look and the opening: look again.
                Err(error)
                    if error.kind == DiskErrorKind::NotFound
                        && self.factory.lock().cuts != cuts => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the writer shows now: flushed, cuts, where to look for the next
    /// batch, and the end of the cursor's segment.
    fn look(&self) -> (Option<Lsn>, u64, Option<Place>, Option<u64>) {
        let shared = self.factory.lock();
        let flushed = shared.flushed.map(|flushed| flushed.lsn);
        let number = self.cursor.as_ref().map(|cursor| cursor.place.number);
        let end = number
            .and_then(|n| shared.map.segments.get(n))
            .map(|segment| segment.end);
        let inside = self
            .cursor
            .as_ref()
            .zip(end)
            .is_some_and(|(c, end)| c.offset < end);
        let place = if inside {
            None
        } else {
            shared.map.locate(self.next)
        };
        let place = if shared.cuts == self.cuts {
            place
        } else {
            shared.map.locate(self.next)
        };
        (flushed, shared.cuts, place, end)
    }

    fn none_or_cut(&self, flushed: Option<Lsn>) -> Result<Option<Lsn>, LogError> {
        let passed = self.next.get() - 1;
        let behind = understudy_types::lsn_value(flushed) < passed;
        // Before the first batch was read the place was only asked for.
        let has_read = self.previous.is_some();
        if behind && has_read {
            Err(LogError::HistoryChanged(self.next))
        } else {
            Ok(None)
        }
    }

    /// Moves on from the indexed place to the batch that contains `next`.
    fn skim(&mut self, flushed: Lsn) -> Result<(), LogError> {
        let Some(cursor) = self.cursor.as_mut() else {
            return Ok(());
        };
        loop {
            let head = cursor.head(&self.factory.disk, flushed)?;
            if head.header.last_lsn() >= self.next {
                return Ok(());
            }
            cursor.offset += entry_bytes(head.header.batch_bytes());
        }
    }

    fn read(&mut self, upto: Lsn, flushed: Lsn) -> Result<Option<Batch>, LogError> {
        let disk = self.factory.disk.clone();
        let Some(cursor) = self.cursor.as_mut() else {
            return Ok(None);
        };
        let header = cursor.head(&disk, flushed)?.header;
        if header.last_lsn() > upto {
            return Ok(None);
        }
        let at = cursor.offset + FRAME_BYTES as u64;
        let bytes = cursor.window.slice(&*disk, at, header.batch_bytes())?;
        let found = bytes.as_ref().map_or(HEADER_BYTES, |bytes| bytes.len());
        let length = BatchError::Length {
            expected: header.batch_bytes(),
            found,
        };
        let batch = bytes.ok_or(length).and_then(Batch::decode);
        let batch = batch.map_err(|error| cursor.damage(error.to_string()))?;
        cursor.offset += entry_bytes(batch.bytes().len());
        Ok(Some(batch))
    }

    fn check_link(&self, batch: &Batch) -> Result<(), LogError> {
        let linked = self
            .previous
            .is_none_or(|previous| batch.first_lsn() == self.next && batch.previous() == previous);
        if linked {
            Ok(())
        } else {
            Err(LogError::HistoryChanged(self.next))
        }
    }
}

impl<D: Disk> Cursor<D> {
    /// The head of the entry here, which is flushed.
    fn head(&mut self, disk: &D, flushed: Lsn) -> Result<EntryHead, LogError> {
        if let Some(head) = self.parse(disk)?.ok().filter(|head| self.is_settled(head)) {
            return Ok(head);
        }
        // The window may have been read while the writer was still here.
        self.window.forget();
        self.read_at_flushed = flushed;
        self.parse(disk)?
            .map_err(|error| self.damage(error.to_string()))
    }

    fn is_settled(&self, head: &EntryHead) -> bool {
        head.header.last_lsn() <= self.read_at_flushed
    }

    fn parse(&mut self, disk: &D) -> Result<Result<EntryHead, EntryError>, LogError> {
        let head = self.window.slice(disk, self.offset, ENTRY_HEAD_BYTES)?;
        Ok(EntryHead::parse(
            &self.place.salt,
            &head.unwrap_or_default(),
        ))
    }

    fn damage(&self, found: String) -> LogError {
        let (file, offset) = (self.place.path.clone(), self.offset);
        let expected = "a flushed batch".to_owned();
        Damage {
            file,
            offset,
            expected,
            found,
        }
        .into()
    }
}
