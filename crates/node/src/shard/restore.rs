//! Putting the state right when it holds more than its log.

use super::core::StateFacts;
use super::cursor::Cursor;
use super::marks::Remaking;
use super::state_thread::{StateThread, apply};
use super::work::{Restoration, Way};
use understudy_log::LogError;
use understudy_state::StateMachine;
use understudy_types::{Lsn, StateAt, lsn_value};

impl<S: StateMachine> StateThread<S> {
    pub(super) fn restore(&self, due: Restoration) -> Result<(), LogError> {
        match due.way {
            Way::RollBack(kept) => {
                self.roll_back(due, kept);
                Ok(())
            }
            Way::Anew => self.rebuild(due),
        }
    }

    /// Takes back what was applied after `kept`. Where that is not proved to
    /// be the state that was there once, it is asked for anew.
    fn roll_back(&self, due: Restoration, kept: Lsn) {
        let newest = self.shard.marks.lock().comparison.newest();
        let Some(expected) = newest.filter(|newest| newest.lsn == kept) else {
            return self.ask_anew(kept, "its digest there is not kept any more");
        };
        let (done, facts) = {
            let mut state = self.state.write();
            (state.roll_back(kept), StateFacts::of(&*state))
        };
        if done.is_err() {
            return self.ask_anew(kept, "the state machine does not reach so far back");
        }
        if facts.digest != expected.digest {
            tracing::error!(
                shard = %self.shard.name, lsn = %kept, expected = %expected.digest, found = %facts.digest,
                "the state that was rolled back is not what it was at that record: this is a fault of the state machine, please report it"
            );
            return self.ask_anew(kept, "rolled back, it is not what it was there");
        }
        let from = {
            let mut marks = self.shard.marks.lock();
            let from = marks.applied;
            marks.rolled_back(due, kept);
            from
        };
        self.published(Some(kept), facts);
        tracing::info!(shard = %self.shard.name, from = lsn_value(from), to = %kept, "the state was rolled back");
    }

    fn ask_anew(&self, kept: Lsn, why: &str) {
        tracing::warn!(shard = %self.shard.name, lsn = %kept, why, "the state cannot be rolled back, it is made anew from the log");
        self.shard.marks.lock().ask_rebuild();
    }

    /// Makes the state from the log's first record, beside the old one, which
    /// readers keep until then.
    fn rebuild(&self, due: Restoration) -> Result<(), LogError> {
        let committed = self.shard.marks.lock().committed;
        let mut state = (self.empty)();
        let mut cursor = Cursor::new(Lsn::FIRST);
        let mut bytes = 0;
        while let Some(upto) = committed.filter(|upto| cursor.next() <= *upto) {
            let batches = cursor.read(&self.shard, upto)?;
            self.pulse.beat();
            if batches.is_empty() {
                break;
            }
            for batch in &batches {
                drop(apply(&mut state, batch));
                bytes += batch.bytes().len() as u64;
                self.shard.marks.lock().remaking = Some(Remaking {
                    done: batch.last_lsn().get(),
                    total: upto.get(),
                });
            }
        }
        let applied = Lsn::new(cursor.next().get() - 1);
        let facts = StateFacts::of(&state);
        let digest = facts.digest;
        let made = applied.map(|lsn| StateAt { lsn, digest });
        *self.state.write() = state;
        self.shard.marks.lock().rebuilt(due, made, bytes);
        self.published(applied, facts);
        tracing::info!(shard = %self.shard.name, applied = lsn_value(applied), "the state was made anew from the log");
        Ok(())
    }

    fn published(&self, applied: Option<Lsn>, facts: StateFacts) {
        *self.shard.state.lock() = facts;
        self.shard.applied.send_replace(applied);
    }
}
