//! The log thread: the only code that gives a record its place, and the only
//! one that flushes.
//!
//! While one batch is being flushed the next one gathers in the queue: the
//! disk sets the batch size, no timer does.

mod storing;
mod writing;

use super::answers::Answers;
use super::core::{LogCommand, Outline, ShardCore};
use super::marks::{Beat, until};
use super::queue::Proposal;
use crate::audit::Audit;
use crate::handle::Refusal;
use crate::maintenance::Maintenance;
use crate::meters::NodeMeters;
use crate::node::Fatal;
use crate::pulse::Pulse;
use crossbeam_channel::{Receiver, never, select};
use std::sync::Arc;
use std::time::Duration;
use understudy_log::{Log, LogError, OsDisk};
use understudy_protocol::shard::History;
use understudy_state::StateMachine;
use understudy_types::{BootTime, Clock, Epoch, NodeId};

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

    fn flush(&mut self) -> Ended {
        let began = self.clock.now();
        self.log.flush()?;
        let took = self.clock.now().since(began);
        self.shard.meters.flushed(took);
        Ok(())
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
