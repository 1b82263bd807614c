//! As primary: what clients ask gets its place, in batches of this node's own.

use super::{Ended, LogThread, Mode, Room, outline, refuse};
use crate::handle::Refusal;
use crate::shard::answers::{Pending, PendingBatch};
use crate::shard::core::Opened;
use crate::shard::queue::Proposal;
use understudy_log::{Batch, BatchBuilder, BatchStart, EpochStart, LogError};
use understudy_state::StateMachine;
use understudy_types::{Epoch, Lsn};

/// Records in one batch, at most.
const RECORDS_MAX: u32 = 16_384;

/// Whether a batch may still wait for others to hand in their proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    Open,
    Over,
}

impl<S: StateMachine> LogThread<S> {
    /// Gives everything that waits a place, in one batch and one flush.
    pub(super) fn propose(&mut self, first: Proposal<S>) -> Ended {
        let epoch = match self.mode {
            Mode::Open(epoch) => epoch,
            Mode::Closed | Mode::Held(_) => {
                refuse(first, Refusal::NotPrimary);
                return Ok(());
            }
        };
        // Here and not at the door: whoever asks this thread for a barrier
        // after it was switched on knows that no more is written.
        if self.maintenance.is_on() {
            refuse(first, Refusal::Maintenance);
            return Ok(());
        }
        let mut builder = BatchBuilder::with_capacity(self.batch_start(epoch), 16 << 10);
        let mut proposals = Vec::with_capacity(64);
        let mut gathering = Gathering::Open;
        let mut next = Some(first);
        while let Some(proposal) = next.take() {
            builder.push_command(&proposal.command);
            proposals.push(proposal);
            let full = builder.len_bytes() >= self.batch_bytes_max
                || builder.record_count() >= RECORDS_MAX;
            if !full {
                next = self.waiting(&mut gathering);
            }
        }
        let batch = builder.finish();
        match self.log.append(&batch) {
            Ok(()) => self.note_room(Room::Enough),
            // No recovery will ever find this batch: the log made sure of it.
            Err(LogError::Full(_)) => {
                self.note_room(Room::None);
                proposals
                    .into_iter()
                    .for_each(|proposal| refuse(proposal, Refusal::DiskFull));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.flush()?;
        let answers = proposals.into_iter().map(|proposal| Pending {
            answer: proposal.answer,
            place: self.shard.unanswered.place(),
            room: proposal.room,
        });
        let first_lsn = batch.first_lsn();
        self.answers.push(PendingBatch {
            first_lsn,
            epoch,
            answers: answers.collect(),
        });
        self.publish_as_primary(batch);
        Ok(())
    }

    /// The next proposal that waits. Where none does, the core is handed over
    /// once, so that what is being decoded on it right now joins this flush
    /// instead of asking for one of its own. On an idle machine that returns
    /// at once.
    fn waiting(&self, gathering: &mut Gathering) -> Option<Proposal<S>> {
        let waiting = self.proposals.try_recv().ok();
        if waiting.is_some() || *gathering == Gathering::Over {
            return waiting;
        }
        *gathering = Gathering::Over;
        std::thread::yield_now();
        self.proposals.try_recv().ok()
    }

    /// Says once when the disk is full, and once when it is not any more.
    fn note_room(&mut self, room: Room) {
        if std::mem::replace(&mut self.room, room) == room {
            return;
        }
        let shard = &self.shard.name;
        match room {
            Room::None => {
                tracing::error!(%shard, "the disk is full: writes are refused until there is room")
            }
            Room::Enough => tracing::info!(%shard, "there is room on the disk again"),
        }
    }

    fn batch_start(&mut self, epoch: Epoch) -> BatchStart {
        // A clock that was set back must not make a log's dates go back.
        self.wall_millis = self.wall_millis.max(self.clock.wall_millis());
        let committed = self.shard.marks.lock().committed;
        BatchStart {
            epoch,
            first_lsn: self.log.next_lsn(),
            committed,
            wall_millis: self.wall_millis,
            previous: self.log.head_hash(),
        }
    }

    fn publish_as_primary(&self, batch: Batch) {
        let position = batch.position();
        let bytes = self.log.bytes_total().get();
        self.shard.tail.push(batch);
        self.shard
            .update(|marks| marks.flushed_as_primary(position, bytes));
    }

    /// Begins an epoch with a batch of its own.
    pub(super) fn open(&mut self, epoch: Epoch, lossy: bool) -> Result<Opened, LogError> {
        let fork = self.log.flushed();
        let mut builder = BatchBuilder::new(self.batch_start(epoch));
        builder.push_epoch_start(&EpochStart {
            lossy,
            holder: self.node.clone(),
        });
        let batch = builder.finish();
        self.log.append(&batch)?;
        self.flush()?;
        let history = outline(&self.log).history;
        self.shard.update(|marks| {
            marks.open(epoch);
            marks.history = history;
        });
        self.publish_as_primary(batch);
        self.mode = Mode::Open(epoch);
        self.next_beat = self.clock.now();
        Ok(Opened { fork })
    }

    /// Writes an audit record in a batch of its own; not while writes are
    /// held, because the log's end is promised then.
    pub(super) fn audit(&mut self, body: &[u8]) -> Result<Option<(Epoch, Lsn)>, LogError> {
        let Mode::Open(epoch) = self.mode else {
            return Ok(None);
        };
        let mut builder = BatchBuilder::new(self.batch_start(epoch));
        builder.push_audit(body);
        let batch = builder.finish();
        match self.log.append(&batch) {
            Ok(()) => self.note_room(Room::Enough),
            Err(LogError::Full(_)) => {
                self.note_room(Room::None);
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        self.flush()?;
        let lsn = batch.last_lsn();
        self.publish_as_primary(batch);
        Ok(Some((epoch, lsn)))
    }
}
