//! Clients that read and change a few keys together, and write down what each
//! of them was told, when: the record that a checker of linearizability
//! judges. Watchers write down what they see meanwhile.
//!
//! Keys come in groups of two, and an operation touches one group, so that a
//! history falls into as many small ones as it has groups. Every written
//! value is written once.

mod client;
mod drive;
mod operation;
mod record;
mod requests;
mod watcher;

pub use drive::{HistoryOptions, HistoryRecorder};
pub use operation::{Act, Answer, Key, Operation, Outcome, Pair, Seen};
pub use record::{History, Sighting, WatchedEvent};

#[cfg(test)]
mod tests;
