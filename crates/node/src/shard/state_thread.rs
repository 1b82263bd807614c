//! The state thread: applies committed batches in order, and answers.

use super::answers::{Answers, Delivery};
use super::core::{ShardCore, StateFacts};
use super::cursor::Cursor;
use super::work::Work;
use crate::handle::Applied;
use crate::node::Fatal;
use crate::pulse::{IDLE_TURN, Pulse};
use parking_lot::RwLock;
use std::sync::Arc;
use understudy_log::{Batch, LogError, Record};
use understudy_state::{CommandContext, EpochStart, StateMachine};
use understudy_types::{Clock, Lsn, StateAt};

pub(crate) struct StateThread<S: StateMachine> {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) state: Arc<RwLock<S>>,
    /// Makes an empty state, for when the log was cut below what is applied.
    pub(crate) empty: Box<dyn Fn() -> S + Send>,
    pub(crate) answers: Arc<Answers<S>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fatal: Fatal,
    pub(crate) pulse: Arc<Pulse>,
}

impl<S: StateMachine> StateThread<S> {
    pub(crate) fn run(self) {
        if let Err(error) = self.serve() {
            self.fatal
                .raise(format!("shard {}: state: {error}", self.shard.name));
        }
    }

    fn serve(&self) -> Result<(), LogError> {
        let mut cursor = Cursor::new(Lsn::after(*self.shard.applied.borrow()));
        loop {
            let done = match self.wait() {
                Work::Stop => return Ok(()),
                Work::Restore(restoration) => self.restore(restoration).map(|()| {
                    cursor = Cursor::new(Lsn::after(*self.shard.applied.borrow()));
                }),
                Work::Apply(upto) => cursor
                    .read(&self.shard, upto)
                    .map(|batches| self.apply_batches(&batches)),
            };
            match done {
                // The log was cut meanwhile: a restoration is asked for.
                Ok(()) | Err(LogError::HistoryChanged(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self) -> Work {
        loop {
            // Not under the lock: a thread that hangs here hangs alone.
            self.pulse.beat();
            let mut marks = self.shard.marks.lock();
            if let Some(work) = marks.next_work() {
                return work;
            }
            self.shard.moved.wait_for(&mut marks, IDLE_TURN);
        }
    }

    fn apply_batches(&self, batches: &[Batch]) {
        let mut newest = None;
        for batch in batches {
            self.pulse.beat();
            let began = self.clock.now();
            let (responses, facts) = {
                let mut state = self.state.write();
                (apply(&mut *state, batch), StateFacts::of(&*state))
            };
            let meters = &self.shard.meters;
            meters.applies.note(self.clock.now().since(began));
            meters
                .applied_records
                .add(u64::from(batch.header().record_count));
            // Readers find the state before clients hear of it.
            let (lsn, digest) = (batch.last_lsn(), facts.digest);
            self.publish(StateAt { lsn, digest }, batch.bytes().len() as u64);
            self.answer(batch, responses);
            newest = Some(facts);
        }
        if let Some(facts) = newest {
            *self.shard.state.lock() = facts;
        }
    }

    fn publish(&self, state: StateAt, bytes: u64) {
        let divergence = self.shard.marks.lock().note_applied(state, bytes);
        self.shard.applied.send_replace(Some(state.lsn));
        self.shard.tell_divergence(divergence);
    }

    fn answer(&self, batch: &Batch, responses: Vec<(Lsn, S::Response)>) {
        let Some(pending) = self.answers.take(batch.first_lsn(), batch.epoch()) else {
            return;
        };
        assert_eq!(
            pending.answers.len(),
            responses.len(),
            "one answer for each command"
        );
        let mut delivery = Delivery::new();
        for (pending, (lsn, response)) in pending.answers.into_iter().zip(responses) {
            let applied = Applied {
                lsn,
                epoch: batch.epoch(),
                response,
            };
            delivery.add(pending, applied);
        }
        delivery.send();
    }
}

/// Applies a batch's records; the responses of its commands.
pub(crate) fn apply<S: StateMachine>(state: &mut S, batch: &Batch) -> Vec<(Lsn, S::Response)> {
    let (epoch, wall_millis) = (batch.epoch(), batch.wall_millis());
    let mut responses = Vec::new();
    for (lsn, record) in batch.records() {
        match record {
            // Not the state machine's: two nodes agree with it or without it.
            Record::Audit(_) => {}
            Record::EpochStart(start) => {
                state.begin_epoch(EpochStart {
                    epoch,
                    lsn,
                    wall_millis,
                    lossy: start.lossy,
                });
            }
            Record::Command(command) => {
                let context = CommandContext {
                    lsn,
                    epoch,
                    wall_millis,
                };
                responses.push((lsn, state.apply(context, &command)));
            }
        }
    }
    responses
}
