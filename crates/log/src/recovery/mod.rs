//! What the log does with what it finds on disk after a stop.

mod decision;
mod entry;
mod evidence;
mod repair;
mod walk;

pub use decision::{After, Content, Decision, Observation, SegmentPlace, decide};
pub(crate) use entry::{BatchEnd, find_batch_end};
pub(crate) use repair::{cut_torn_tail, settle_tail};
pub(crate) use walk::{ShardRoot, Walked, walk, walk_sealed};

use understudy_types::Position;

/// What opening a log found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryReport {
    pub head: Option<Position>,
    pub batches: u64,
    pub records: u64,
    /// Canonical bytes.
    pub bytes: u64,
    pub segments: usize,
    /// A write that a crash interrupted, and that was cut off.
    pub torn_tail: Option<TornTail>,
    /// Leftovers of interrupted preparations that were removed.
    pub removed: Vec<String>,
}

/// The remains of a write that was never flushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Relative to the data root.
    pub file: String,
    pub offset: u64,
    /// From `offset` to the last byte that is not zero.
    pub bytes: u64,
    /// What was wrong with the first batch that is cut.
    pub found: String,
    /// The row of the decision table.
    pub row: &'static str,
}
