use super::operation::{Act, Answer, Key, Operation, Outcome, Pair};
use super::requests::Keys;
use crate::Stopwatch;
use crate::call::{CallFailure, Caller, Fate};
use rand::{Rng, rngs::SmallRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Below it a client's values are told apart by their numbers.
const VALUES_PER_CLIENT: u64 = 1 << 32;

/// What one client wrote down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) operations: Vec<Operation>,
    pub(super) failures: BTreeMap<&'static str, u64>,
}

/// One client: an operation at a time, chosen by chance.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) keys: Keys,
    pub(super) groups: usize,
    pub(super) caller: Caller,
    pub(super) chance: SmallRng,
    pub(super) pace: Option<Duration>,
    pub(super) stopwatch: Stopwatch,
    /// Answered operations of all clients.
    pub(super) answered: Arc<watch::Sender<u64>>,
    pub(super) stop: watch::Receiver<bool>,
    /// Values that were given.
    pub(super) values: u64,
    /// The last revision at which each key was seen to change.
    pub(super) known: Vec<[i64; 2]>,
}

impl Client {
    pub(super) async fn run(mut self) -> Notes {
        let mut notes = Notes::default();
        while !*self.stop.borrow() {
            let outcome = self.operate(&mut notes).await;
            let pause = self
                .caller
                .pause_after(outcome, self.pace, &mut notes.failures);
            if let Some(pause) = pause {
                let stopped = self.stop.wait_for(|stop| *stop);
                // Either way the loop looks again.
                let _ = tokio::time::timeout(pause, stopped).await;
            }
        }
        notes
    }

    async fn operate(&mut self, notes: &mut Notes) -> Result<(), CallFailure> {
        let group = self.chance.random_range(0..self.groups);
        let act = self.choose(group);
        let called = self.stopwatch.elapsed();
        let told = self.keys.perform(&mut self.caller, group, act).await;
        let at = self.stopwatch.elapsed();
        let mut note = |outcome| {
            notes.operations.push(Operation {
                group,
                act,
                called,
                outcome,
            });
        };
        match told {
            Ok(answer) => {
                note(Outcome::Answered { at, answer });
                self.learn(group, act, &answer);
                self.answered.send_modify(|answered| *answered += 1);
                Ok(())
            }
            Err(failure) => {
                if failure.fate() == Fate::MayHaveHappened {
                    note(Outcome::Unknown);
                }
                Err(failure)
            }
        }
    }

    fn choose(&mut self, group: usize) -> Act {
        let key = Key::BOTH[self.chance.random_range(0..2)];
        match self.chance.random_range(0..10) {
            0..4 => Act::Read,
            4..6 => Act::Put {
                key,
                value: self.value(),
            },
            6 => Act::Delete { key },
            _ => Act::Swap {
                key,
                revision: self.known[group][key.index()],
                value: self.value(),
            },
        }
    }

    fn value(&mut self) -> u64 {
        self.values += 1;
        self.id * VALUES_PER_CLIENT + self.values
    }

    fn learn(&mut self, group: usize, act: Act, answer: &Answer) {
        let known = &mut self.known[group];
        let of = |pair: &Pair| pair.map(|seen| seen.map_or(0, |seen| seen.mod_revision));
        match (act, answer) {
            (_, Answer::Read { found, .. } | Answer::NotSwapped { found, .. }) => {
                *known = of(found);
            }
            (_, Answer::Swapped { revision, .. }) => *known = [*revision; 2],
            (Act::Put { key, .. }, answer) => known[key.index()] = answer.revision(),
            (Act::Delete { key }, _) => known[key.index()] = 0,
            (Act::Read | Act::Swap { .. }, Answer::Replaced { .. }) => {
                unreachable!("only puts and deletes replace")
            }
        }
    }
}
