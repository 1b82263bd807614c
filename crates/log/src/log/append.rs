use super::Log;
use super::roll::Active;
use crate::segment::frame::{self, FRAME_BYTES};
use crate::{Batch, Disk, DiskError, LogError};
use understudy_types::Position;

impl<D: Disk> Log<D> {
    /// Writes the batch at the head. Not durable until [`Log::flush`].
    /// Refuses, with nothing written, a batch that does not follow the head.
    /// After any error but `Poisoned` and `Flush` the log is as it was: no
    /// recovery will ever find this batch, and another may be appended at the
    /// same place. Cannot be cancelled.
    pub fn append(&mut self, batch: &Batch) -> Result<(), LogError> {
        self.check_alive()?;
        self.history.check(batch.header())?;
        let entry_bytes = frame::entry_bytes(batch.bytes().len());
        if !self
            .active
            .as_ref()
            .is_some_and(|active| active.has_room_for(entry_bytes))
        {
            self.roll(entry_bytes)?;
        }
        self.write_entry(batch)?;
        self.history.note(batch.header());
        let mut shared = super::shared::lock(&self.shared);
        shared
            .map
            .segments
            .last_mut()
            .expect("the active segment")
            .note(batch.header());
        Ok(())
    }

    /// Makes everything that was appended durable, and says up to where.
    /// After an error it is unknown what is durable, and the log refuses
    /// every later call. Cannot be cancelled.
    pub fn flush(&mut self) -> Result<Option<Position>, LogError> {
        self.check_alive()?;
        if self.flushed != self.written() {
            let active = self
                .active
                .as_ref()
                .expect("what is not flushed is in a segment");
            self.disk
                .sync_data(&active.file)
                .map_err(|error| self.poison(error))?;
            self.flushed = self.written();
            self.lock().flushed = self.flushed;
        }
        Ok(self.flushed)
    }

    pub(super) fn poison(&mut self, error: DiskError) -> LogError {
        self.poisoned = true;
        LogError::Flush(error)
    }

    /// The frame comes last: without it the bytes of a batch are none.
    fn write_entry(&mut self, batch: &Batch) -> Result<(), LogError> {
        let flushed = self.flushed.map(|flushed| flushed.lsn);
        let active = self
            .active
            .as_mut()
            .expect("there is an active segment after a roll");
        let (at, bytes) = (active.end, batch.bytes());
        let frame = frame::encode(&active.salt, flushed, bytes);
        let written = self
            .disk
            .write_at(&active.file, at + FRAME_BYTES as u64, bytes)
            .and_then(|()| self.disk.write_at(&active.file, at, &frame));
        let Err(error) = written else {
            active.end += frame::entry_bytes(bytes.len());
            return Ok(());
        };
        match cut_off(&*self.disk, active) {
            Ok(()) => Err(error.into()),
            Err(unproven) => Err(self.poison(unproven)),
        }
    }
}

/// After a write that failed: all of it may be there all the same, and a
/// recovery would take it for a batch; or part of it, and a recovery would
/// take that for damage once there are batches behind. The segment ends
/// before it, durably; a file can be made shorter where there is no room to
/// overwrite it. The next entry goes to a new segment.
fn cut_off<D: Disk>(disk: &D, active: &mut Active<D>) -> Result<(), DiskError> {
    disk.truncate(&active.file, active.end)?;
    disk.sync_data(&active.file)?;
    active.file_bytes = active.end;
    Ok(())
}
