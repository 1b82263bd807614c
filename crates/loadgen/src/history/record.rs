use super::operation::{Operation, Outcome};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// All that clients and watchers of one run were told.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub groups: usize,
    pub operations: Vec<Operation>,
    /// By watcher.
    pub watched: Vec<Vec<Sighting>>,
    /// What the log of events holds when all has ended, from the first
    /// revision of the run.
    pub replayed: Vec<Sighting>,
    /// Failed attempts by kind: a gRPC code, or what happened instead.
    pub failures: BTreeMap<&'static str, u64>,
}

/// What a watcher was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    Event(WatchedEvent),
    /// All before this revision is compacted; it went on there.
    Compacted {
        revision: i64,
    },
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedEvent {
    pub revision: i64,
    pub key: Bytes,
    /// None for a delete.
    pub value: Option<Bytes>,
}

impl History {
    /// The history as it would be had all clients stopped at `moment`: what
    /// was answered later is unknown, what was called later never was.
    /// Watchers are left as they are.
    pub fn until(&self, moment: Duration) -> History {
        let called = self.operations.iter().filter(|o| o.called <= moment);
        let cut = |operation: &Operation| Operation {
            outcome: match operation.outcome {
                Outcome::Answered { at, .. } if at > moment => Outcome::Unknown,
                outcome => outcome,
            },
            ..*operation
        };
        History {
            operations: called.map(cut).collect(),
            ..self.clone()
        }
    }

    pub fn answered(&self) -> usize {
        let operations = self.operations.iter();
        operations.filter(|o| o.answer().is_some()).count()
    }

    pub fn unknown(&self) -> usize {
        self.operations.len() - self.answered()
    }
}
