//! As standby: the primary's batches are stored, and cut where histories part.

use super::{LogThread, Mode, outline};
use crate::meters::Resync;
use crate::shard::boot::quarantine_tail;
use crate::shard::core::{LogCommand, Outline};
use tokio::sync::OwnedSemaphorePermit;
use understudy_log::{Batch, LogError};
use understudy_state::StateMachine;
use understudy_types::Position;

/// What a standby gathers before one flush, at most.
const STORE_BYTES_MAX: usize = 8 << 20;

impl<S: StateMachine> LogThread<S> {
    /// Stores the stream's batch, and all that wait behind it, in one flush.
    /// Returns a command that it met and did not handle.
    pub(super) fn store(
        &mut self,
        first: Batch,
        first_room: OwnedSemaphorePermit,
    ) -> Result<Option<LogCommand>, LogError> {
        let mut stored = Vec::new();
        let mut rooms = vec![first_room];
        let mut bytes = 0;
        let mut next = Some(first);
        let mut put_off = None;
        while let Some(batch) = next.take() {
            if self.intake_failed || !self.append_to_intake(&batch)? {
                break;
            }
            bytes += batch.bytes().len();
            stored.push(batch);
            if bytes >= STORE_BYTES_MAX {
                break;
            }
            match self.commands.try_recv() {
                Ok(LogCommand::Store { batch, room }) => {
                    rooms.push(room);
                    next = Some(batch);
                }
                Ok(command) => put_off = Some(command),
                Err(_) => {}
            }
        }
        if !stored.is_empty() {
            self.flush()?;
            self.publish_as_standby(stored);
        }
        Ok(put_off)
    }

    /// Whether the batch was appended. When it was not, the stream is broken
    /// here until it begins anew.
    fn append_to_intake(&mut self, batch: &Batch) -> Result<bool, LogError> {
        match self.log.append(batch) {
            Ok(()) => {
                self.wall_millis = self.wall_millis.max(batch.wall_millis());
                Ok(true)
            }
            Err(error @ (LogError::Full(_) | LogError::Refused(_))) => {
                tracing::warn!(shard = %self.shard.name, %error, "the stream's batch is not stored");
                self.intake_failed = true;
                self.shard
                    .update(|marks| marks.intake_failure = Some(error.to_string()));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn publish_as_standby(&self, stored: Vec<Batch>) {
        let last = stored.last().expect("at least one");
        let (position, committed) = (last.position(), last.committed());
        let bytes = self.log.bytes_total().get();
        let history = outline(&self.log).history;
        stored
            .into_iter()
            .for_each(|batch| self.shard.tail.push(batch));
        self.shard.update(|marks| {
            marks.history = history;
            marks.flushed_as_standby(position, bytes, committed);
        });
    }

    pub(super) fn cut(
        &mut self,
        keep: Option<Position>,
        reason: String,
    ) -> Result<Result<Outline, String>, LogError> {
        assert!(self.mode == Mode::Closed, "a primary never cuts its log");
        if let Err(error) = quarantine_tail(self, keep, reason) {
            return Ok(Err(error));
        }
        match self.log.truncate_after(keep) {
            Ok(()) => {}
            Err(error @ LogError::UnknownPosition(_)) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        }
        self.meters.resyncs.add(Resync::Diverged);
        let outline = outline(&self.log);
        let bytes = self.log.bytes_total().get();
        self.shard.tail.clear();
        let history = outline.history.clone();
        self.shard.update(|marks| marks.cut(keep, bytes, history));
        Ok(Ok(outline))
    }
}
