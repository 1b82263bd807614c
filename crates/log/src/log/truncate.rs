use super::roll::Active;
use super::{Log, shared};
use crate::disk::fresh_file;
use crate::recovery::{BatchEnd, find_batch_end};
use crate::segment::{SegmentInfo, Window};
use crate::{Disk, DiskError, LogError};
use understudy_types::Position;

const PIECE_BYTES: usize = 1024 * 1024;

/// Where the log is to end.
struct Cut {
    /// Segments that stay.
    segments: usize,
    /// In the last of them, just after the last entry that stays.
    offset: u64,
    bytes_total: u64,
}

impl<D: Disk> Log<D> {
    /// Removes everything after `keep`, or everything. Durable on return.
    ///
    /// A power cut on the way leaves a log that ends at `keep` or later,
    /// whole. `Full`, `Disk` and `UnknownPosition` changed nothing; after
    /// `Flush` the log is poisoned and must be opened again.
    pub fn truncate_after(&mut self, keep: Option<Position>) -> Result<(), LogError> {
        self.check_alive()?;
        let cut = self.find_cut(keep)?;
        if keep == self.written() {
            return self.flush().map(drop);
        }
        self.spare.discard()?;
        let shortened = self.copy_shortened(&cut)?;
        self.active = None;
        self.forget_after(keep, &cut);
        self.remove_after(&cut, shortened)
            .map_err(|error| self.poison(error))?;
        self.reopen_active()?;
        self.spare.prepare();
        Ok(())
    }

    fn find_cut(&self, keep: Option<Position>) -> Result<Cut, LogError> {
        let Some(keep) = keep else {
            return Ok(Cut {
                segments: 0,
                offset: 0,
                bytes_total: 0,
            });
        };
        let unknown = LogError::UnknownPosition(keep);
        if Some(keep.lsn) > self.written().map(|head| head.lsn) {
            return Err(unknown);
        }
        let place = self.lock().map.locate(keep.lsn);
        let place = place.expect("every record up to the head is in a segment");
        let BatchEnd {
            header,
            segment,
            offset,
            bytes_total,
        } = find_batch_end(&*self.disk, &place, keep.lsn)?;
        if header.position() != keep {
            return Err(unknown);
        }
        Ok(Cut {
            segments: segment + 1,
            offset,
            bytes_total,
        })
    }

    /// A durable copy of the last segment that stays, without what goes.
    /// `None` when all of it stays.
    fn copy_shortened(&self, cut: &Cut) -> Result<Option<String>, DiskError> {
        let Some(info) = self.segment(cut.segments) else {
            return Ok(None);
        };
        if info.end == cut.offset {
            return Ok(None);
        }
        let copy = format!("{}.tmp", info.path);
        let mut window = Window::open(&*self.disk, &info.path, PIECE_BYTES)?;
        let file = fresh_file(&*self.disk, &copy, window.file_bytes())?;
        let mut offset = 0;
        while offset < cut.offset {
            let step = (cut.offset - offset).min(PIECE_BYTES as u64) as usize;
            let Some(bytes) = window.slice(&*self.disk, offset, step)? else {
                break;
            };
            self.disk.write_at(&file, offset, &bytes)?;
            offset += step as u64;
        }
        self.disk.sync_data(&file)?;
        Ok(Some(copy))
    }

    /// The last of the first `count` segments.
    fn segment(&self, count: usize) -> Option<SegmentInfo> {
        let number = count.checked_sub(1)?;
        self.lock().map.segments.get(number).cloned()
    }

    /// Readers see the cut before the files go.
    fn forget_after(&mut self, keep: Option<Position>, cut: &Cut) {
        self.history.cut(keep, cut.bytes_total);
        self.flushed = keep;
        let mut shared = shared::lock(&self.shared);
        shared.flushed = keep;
        shared.cuts += 1;
    }

    /// From the last segment backwards, each removal durable before the
    /// next, so that the log has no hole at any moment.
    fn remove_after(&mut self, cut: &Cut, shortened: Option<String>) -> Result<(), DiskError> {
        while self.lock().map.segments.len() > cut.segments {
            let path = self
                .lock()
                .map
                .segments
                .pop()
                .map(|info| info.path)
                .unwrap_or_default();
            self.disk.remove(&path)?;
            self.disk.sync_dir(&self.root.directory)?;
        }
        let Some(shortened) = shortened else {
            return Ok(());
        };
        let path = self
            .segment(cut.segments)
            .map(|info| info.path)
            .unwrap_or_default();
        self.disk.rename(&shortened, &path)?;
        self.disk.sync_dir(&self.root.directory)?;
        let mut shared = shared::lock(&self.shared);
        // A reader may have opened the old file since the first cut.
        shared.cuts += 1;
        if let Some(info) = shared.map.segments.last_mut() {
            info.cut(cut.offset, cut.bytes_total);
        }
        Ok(())
    }

    fn reopen_active(&mut self) -> Result<(), LogError> {
        let count = self.lock().map.segments.len();
        self.active = match self.segment(count) {
            Some(info) => Some(Active::open(&*self.disk, &info)?),
            None => None,
        };
        Ok(())
    }
}
