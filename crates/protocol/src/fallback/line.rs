//! Which of what is found belongs to the history that the lease tells.
//!
//! A put of an older epoch may land after that epoch was taken over, beside
//! what its successor has. Such batches lie beyond the fork of the epoch that
//! followed theirs, and are passed over.

use crate::lease::{EpochEnd, EpochRecord, end_of};
use understudy_types::{Epoch, Lsn, Position, ShardName};

/// Whether a batch of `epoch` that ends with `last` is in this history. Of an
/// epoch that is too old to stand in it the chain alone decides.
pub fn is_of_line(history: &[EpochRecord], shard: &ShardName, epoch: Epoch, last: Lsn) -> bool {
    match end_of(history, epoch, shard) {
        Some(EpochEnd::ForkedAt(fork)) => fork.is_some_and(|fork| last <= fork.lsn),
        Some(EpochEnd::Lost) => false,
        Some(EpochEnd::Open) | None => true,
    }
}

/// The position behind which a log whose last batch is of `epoch` has left
/// this history; `None` when it has not.
pub fn leaves_line_at(
    history: &[EpochRecord],
    shard: &ShardName,
    epoch: Epoch,
    head: Position,
) -> Option<Position> {
    match end_of(history, epoch, shard) {
        Some(EpochEnd::ForkedAt(fork)) => fork.filter(|fork| head.lsn > fork.lsn),
        Some(EpochEnd::Open | EpochEnd::Lost) | None => None,
    }
}
