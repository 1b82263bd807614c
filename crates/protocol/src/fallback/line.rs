//! The line: the history that the newest epoch of the lease goes back on.
//!
//! Each epoch's record names the epoch of the last batch before it, so the
//! records form a tree. What is not on the way from the newest one back was
//! given up: an unacknowledged tail, a loss that was accepted, or a put of an
//! older epoch that landed late.

use crate::lease::EpochRecord;
use std::collections::BTreeMap;
use understudy_types::{Epoch, Lsn, Position, ShardName};

/// How much of a log is on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    All,
    /// Up to here; `None` for nothing of it.
    Upto(Option<Position>),
    /// It is too old for the records that are kept.
    Unknown,
}

/// Where an epoch on the line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is the newest.
    Open,
    At(Option<Position>),
}

/// The epochs on the line of one shard, as far back as records are kept.
#[derive(Clone, Debug)]
struct Line<'a> {
    history: &'a [EpochRecord],
    shard: &'a ShardName,
    ends: BTreeMap<Epoch, End>,
}

impl<'a> Line<'a> {
    fn of(history: &'a [EpochRecord], shard: &'a ShardName) -> Line<'a> {
        let mut line = Line {
            history,
            shard,
            ends: BTreeMap::new(),
        };
        let mut at = history.last();
        let mut end = End::Open;
        while let Some(record) = at {
            line.ends.insert(record.epoch, end);
            end = End::At(line.fork_of(record));
            let before = record.after.get(shard).copied();
            let before = before.filter(|before| *before < record.epoch);
            at = before.and_then(|before| line.record(before));
            if let (None, Some(before)) = (at, before) {
                line.ends.insert(before, end);
            }
        }
        line
    }

    fn record(&self, epoch: Epoch) -> Option<&'a EpochRecord> {
        self.history.iter().find(|record| record.epoch == epoch)
    }

    fn fork_of(&self, record: &EpochRecord) -> Option<Position> {
        record.forks.get(self.shard).copied().flatten()
    }

    /// Whether an epoch that is not on the line may be further back on it.
    fn may_be_further_back(&self, epoch: Epoch) -> bool {
        let oldest = self.ends.first_key_value();
        oldest.is_none_or(|(oldest, _)| epoch < *oldest) && self.record(epoch).is_none()
    }
}

/// Whether a batch of `epoch` that ends with `last` is on the line. Of an
/// epoch that is too old to stand in the records the chain alone decides.
pub fn is_of_line(history: &[EpochRecord], shard: &ShardName, epoch: Epoch, last: Lsn) -> bool {
    let line = Line::of(history, shard);
    match line.ends.get(&epoch) {
        Some(End::Open) => true,
        Some(End::At(end)) => end.is_some_and(|end| last <= end.lsn),
        None => line.may_be_further_back(epoch),
    }
}

/// How much of a log is on the line, of which the last batch is of `epoch`
/// and ends at `head`.
pub fn shared_with_line(
    history: &[EpochRecord],
    shard: &ShardName,
    epoch: Epoch,
    head: Position,
) -> Shared {
    let line = Line::of(history, shard);
    let (mut epoch, mut upto, mut shared) = (epoch, head, Shared::All);
    loop {
        match line.ends.get(&epoch) {
            Some(End::Open) => return shared,
            Some(End::At(end)) => {
                return match end {
                    Some(end) if end.lsn >= upto.lsn => shared,
                    end => Shared::Upto(*end),
                };
            }
            None => {}
        }
        // This epoch was given up whole: what it went back on may be shared.
        let Some(record) = line.record(epoch) else {
            return Shared::Unknown;
        };
        let Some(fork) = line.fork_of(record) else {
            return Shared::Upto(None);
        };
        let Some(before) = record.after.get(shard) else {
            return Shared::Unknown;
        };
        (epoch, upto, shared) = (*before, fork, Shared::Upto(Some(fork)));
    }
}
