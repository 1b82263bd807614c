//! The state thread: applies committed batches in order, and answers.

use super::answers::{Answers, Delivery};
use super::core::{ShardCore, StateFacts};
use super::cursor::Cursor;
use crate::handle::Applied;
use crate::node::Fatal;
use parking_lot::RwLock;
use std::sync::Arc;
use understudy_log::{Batch, LogError, Record};
use understudy_state::{CommandContext, EpochStart, StateMachine};
use understudy_types::{Lsn, StateAt, lsn_value};

pub(crate) struct StateThread<S: StateMachine> {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) state: Arc<RwLock<S>>,
    /// Makes an empty state, for when the log was cut below what is applied.
    pub(crate) empty: Box<dyn Fn() -> S + Send>,
    pub(crate) answers: Arc<Answers<S>>,
    pub(crate) fatal: Fatal,
}

enum Work {
    Apply(Lsn),
    Rebuild(Rebuild),
    Stop,
}

/// The state is to be made anew up to what is committed.
struct Rebuild {
    /// What was asked up to now; this answers all of it.
    number: u64,
    upto: Option<Lsn>,
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
            match self.wait() {
                Work::Stop => return Ok(()),
                Work::Rebuild(rebuild) => match self.rebuild(&rebuild) {
                    Ok(rebuilt) => cursor = rebuilt,
                    // The log was cut meanwhile, and another one is asked.
                    Err(LogError::HistoryChanged(_)) => {}
                    Err(error) => return Err(error),
                },
                Work::Apply(upto) => match cursor.read(&self.shard, upto) {
                    Ok(batches) => self.apply_batches(&batches),
                    // The cut is noticed, and the state rebuilt, next.
                    Err(LogError::HistoryChanged(_)) => {}
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// Waits until something is committed that is not applied.
    fn wait(&self) -> Work {
        let mut marks = self.shard.marks.lock();
        loop {
            if marks.stopping {
                return Work::Stop;
            }
            if marks.needs_rebuild() {
                return Work::Rebuild(Rebuild {
                    number: marks.rebuilds_asked(),
                    upto: marks.committed,
                });
            }
            if let Some(upto) = marks.committed.filter(|upto| Some(*upto) > marks.applied) {
                return Work::Apply(upto);
            }
            self.shard.moved.wait(&mut marks);
        }
    }

    fn apply_batches(&self, batches: &[Batch]) {
        let mut newest = None;
        for batch in batches {
            let (responses, facts) = {
                let mut state = self.state.write();
                (apply(&mut *state, batch), StateFacts::of(&*state))
            };
            // Readers find the state before clients hear of it.
            let (lsn, digest) = (batch.last_lsn(), facts.digest);
            self.publish(StateAt { lsn, digest });
            self.answer(batch, responses);
            newest = Some(facts);
        }
        if let Some(facts) = newest {
            *self.shard.state.lock() = facts;
        }
    }

    fn publish(&self, state: StateAt) {
        let divergence = self.shard.marks.lock().note_applied(state);
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

    /// Makes the state anew from the log, beside the old one, which readers
    /// keep until then.
    fn rebuild(&self, asked: &Rebuild) -> Result<Cursor, LogError> {
        let mut state = (self.empty)();
        let mut cursor = Cursor::new(Lsn::FIRST);
        while let Some(upto) = asked.upto.filter(|upto| cursor.next() <= *upto) {
            let batches = cursor.read(&self.shard, upto)?;
            if batches.is_empty() {
                break;
            }
            batches
                .iter()
                .for_each(|batch| drop(apply(&mut state, batch)));
        }
        let applied = Lsn::new(cursor.next().get() - 1);
        let facts = StateFacts::of(&state);
        let digest = facts.digest;
        let made = applied.map(|lsn| StateAt { lsn, digest });
        *self.state.write() = state;
        self.shard.marks.lock().rebuilt(asked.number, made);
        self.shard.applied.send_replace(applied);
        *self.shard.state.lock() = facts;
        tracing::info!(shard = %self.shard.name, applied = lsn_value(applied), "the state was made anew from the log");
        Ok(cursor)
    }
}

/// Applies a batch's records; the responses of its commands.
pub(crate) fn apply<S: StateMachine>(state: &mut S, batch: &Batch) -> Vec<(Lsn, S::Response)> {
    let (epoch, wall_millis) = (batch.epoch(), batch.wall_millis());
    let mut responses = Vec::new();
    for (lsn, record) in batch.records() {
        match record {
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
