//! The log thread: the only code that gives a record its place, and the only
//! one that flushes.
//!
//! While one batch is being flushed the next one gathers in the queue: the
//! disk sets the batch size, no timer does.

use super::answers::{Answers, Pending, PendingBatch};
use super::core::{LogCommand, Opened, Outline, ShardCore};
use super::marks::{Beat, until};
use super::queue::Proposal;
use crate::audit::Audit;
use crate::handle::Refusal;
use crate::maintenance::Maintenance;
use crate::meters::{NodeMeters, Resync};
use crate::node::Fatal;
use crate::pulse::Pulse;
use crossbeam_channel::{Receiver, never, select};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use understudy_log::{Batch, BatchBuilder, BatchStart, EpochStart, Log, LogError, OsDisk};
use understudy_protocol::shard::History;
use understudy_state::StateMachine;
use understudy_types::{BootTime, Clock, Epoch, Lsn, NodeId, Position};

/// What a standby gathers before one flush, at most.
const STORE_BYTES_MAX: usize = 8 << 20;

/// Records in one batch, at most.
const RECORDS_MAX: u32 = 16_384;

/// What the thread works with; fixed for its life.
pub(crate) struct LogThread<S: StateMachine> {
    pub(crate) log: Log<OsDisk>,
    pub(crate) disk: Arc<OsDisk>,
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) node: NodeId,
    pub(crate) commands: Receiver<LogCommand>,
    pub(crate) proposals: Receiver<Proposal<S>>,
    pub(crate) answers: Arc<Answers<S>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) maintenance: Maintenance,
    pub(crate) heartbeat_every: Duration,
    pub(crate) batch_bytes_max: usize,
    pub(crate) fatal: Fatal,
    pub(crate) audit: Audit,
    pub(crate) meters: Arc<NodeMeters>,
    pub(crate) mode: Mode,
    pub(crate) next_beat: BootTime,
    pub(crate) beats: u64,
    /// The latest date in the log: dates never go back along it.
    pub(crate) wall_millis: u64,
    pub(crate) room: Room,
    /// Why the stream's batches are dropped until a new stream begins.
    pub(crate) intake_failed: bool,
}

/// Whether proposals are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Refused: this node does not write.
    Closed,
    Open(Epoch),
    /// They wait.
    Held(Epoch),
}

/// Whether the disk took the last batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    None,
}

/// Whether a batch may still wait for others to hand in their proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    Open,
    Over,
}

enum Next<S: StateMachine> {
    Command(LogCommand),
    Proposal(Proposal<S>),
    Beat,
    Gone,
}

/// A failure after which this thread, and with it the node, ends.
type Ended = Result<(), LogError>;

impl<S: StateMachine> LogThread<S> {
    /// Runs until it is told to stop, or a flush fails.
    pub(crate) fn run(mut self) {
        if let Err(error) = self.serve() {
            self.fatal
                .raise(format!("shard {}: {error}", self.shard.name));
        }
        // Whoever still waits for a place gets a clear answer.
        while let Ok(proposal) = self.proposals.try_recv() {
            refuse(proposal, Refusal::ShuttingDown);
        }
        self.answers.forget();
    }

    fn serve(&mut self) -> Ended {
        let mut put_off = None;
        loop {
            let next = match put_off.take() {
                Some(command) => Next::Command(command),
                None => self.next(),
            };
            match next {
                Next::Command(LogCommand::Stop) | Next::Gone => return Ok(()),
                Next::Command(LogCommand::Store { batch, room }) => {
                    put_off = self.store(batch, room)?;
                }
                Next::Command(command) => self.obey(command)?,
                Next::Proposal(proposal) => self.propose(proposal)?,
                Next::Beat => {}
            }
            self.pulse.beat();
            self.beat();
        }
    }

    fn next(&self) -> Next<S> {
        let wait = until(self.next_beat, self.clock.now());
        let none = never();
        let proposals = match self.mode {
            Mode::Held(_) => &none,
            Mode::Closed | Mode::Open(_) => &self.proposals,
        };
        select! {
            recv(self.commands) -> command => command.map_or(Next::Gone, Next::Command),
            recv(proposals) -> proposal => proposal.map_or(Next::Gone, Next::Proposal),
            default(wait) => Next::Beat,
        }
    }

    /// Makes a heartbeat when one is due. It is made here and by no timer, so
    /// that a log thread that hangs is silent.
    fn beat(&mut self) {
        let now = self.clock.now();
        if now < self.next_beat {
            return;
        }
        self.next_beat = now + self.heartbeat_every;
        self.beats += 1;
        let sequence = self.beats;
        self.shard.update(|marks| {
            marks.beat = Some(Beat {
                sequence,
                flushed: marks.flushed,
                committed: marks.committed,
                bytes: marks.flushed_bytes,
                state: marks.comparison.newest(),
                made_at: now,
            });
        });
    }

    /// Gives everything that waits a place, in one batch and one flush.
    fn propose(&mut self, first: Proposal<S>) -> Ended {
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

    fn flush(&mut self) -> Ended {
        let began = self.clock.now();
        self.log.flush()?;
        let took = self.clock.now().since(began);
        self.shard.meters.flushed(took);
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

    /// Stores the stream's batch, and all that wait behind it, in one flush.
    /// Returns a command that it met and did not handle.
    fn store(
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

    fn obey(&mut self, command: LogCommand) -> Ended {
        match command {
            LogCommand::Store { .. } | LogCommand::Stop => unreachable!("handled by the loop"),
            LogCommand::BeginIntake { reply } => {
                self.intake_failed = false;
                self.shard.update(|marks| marks.intake_failure = None);
                let _ = reply.send(outline(&self.log));
            }
            LogCommand::Cut {
                keep,
                reason,
                reply,
            } => {
                let _ = reply.send(self.cut(keep, reason)?);
            }
            LogCommand::Barrier { reply } => {
                let _ = reply.send(self.log.flushed());
            }
            LogCommand::Open {
                epoch,
                lossy,
                reply,
            } => {
                let opened = self.open(epoch, lossy)?;
                let _ = reply.send(opened);
            }
            LogCommand::Audit { body, reply } => {
                let _ = reply.send(self.audit(&body)?);
            }
            LogCommand::Hold { reply } => {
                if let Mode::Open(epoch) = self.mode {
                    self.mode = Mode::Held(epoch);
                }
                let _ = reply.send(self.log.flushed());
            }
            LogCommand::Resume => {
                if let Mode::Held(epoch) = self.mode {
                    self.mode = Mode::Open(epoch);
                }
            }
            LogCommand::Close => self.close(),
        }
        Ok(())
    }

    /// Begins an epoch with a batch of its own.
    fn open(&mut self, epoch: Epoch, lossy: bool) -> Result<Opened, LogError> {
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
    fn audit(&mut self, body: &[u8]) -> Result<Option<(Epoch, Lsn)>, LogError> {
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

    /// Ends the epoch here: what waits for a place is refused, what has one
    /// is unknown to its client.
    fn close(&mut self) {
        let ended = match self.mode {
            Mode::Open(epoch) | Mode::Held(epoch) => Some(epoch),
            Mode::Closed => None,
        };
        self.mode = Mode::Closed;
        while let Ok(proposal) = self.proposals.try_recv() {
            refuse(proposal, Refusal::NotPrimary);
        }
        self.answers.forget();
        let flushed = self.log.flushed();
        self.shard.update(|marks| {
            marks.open = None;
            marks.ended = ended.map(|epoch| (epoch, flushed)).or(marks.ended);
        });
    }

    fn cut(
        &mut self,
        keep: Option<Position>,
        reason: String,
    ) -> Result<Result<Outline, String>, LogError> {
        assert!(self.mode == Mode::Closed, "a primary never cuts its log");
        if let Err(error) = super::boot::quarantine_tail(self, keep, reason) {
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

fn refuse<S: StateMachine>(proposal: Proposal<S>, refusal: Refusal) {
    proposal.answer.refuse(refusal);
}

pub(crate) fn outline(log: &Log<OsDisk>) -> Outline {
    let epochs = log
        .epoch_history()
        .iter()
        .map(|fork| (fork.epoch, fork.fork))
        .collect();
    Outline {
        history: History {
            epochs,
            head: log.flushed(),
        },
        head_hash: log.head_hash(),
        last_epoch: log.last_epoch(),
    }
}
