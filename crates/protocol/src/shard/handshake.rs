//! Where two logs of one shard part, found from the epochs' forks alone.
//!
//! One node at most writes in an epoch, so two logs in which an epoch begins
//! at the same position hold prefixes of the same writing from there on. They
//! part at the smaller of their two ends of the last such epoch.

use understudy_types::{Epoch, Position};

/// A log in outline: its head, and where each of its epochs began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Ascending; the position just before the epoch's first batch.
    pub epochs: Vec<(Epoch, Option<Position>)>,
    pub head: Option<Position>,
}

impl History {
    fn fork_of(&self, epoch: Epoch) -> Option<Option<Position>> {
        self.epochs
            .iter()
            .find(|(e, _)| *e == epoch)
            .map(|(_, fork)| *fork)
    }

    /// The last position of `epoch` in this log.
    fn end_of(&self, epoch: Epoch) -> Option<Position> {
        let next = self.epochs.iter().find(|(e, _)| *e > epoch);
        next.map_or(self.head, |(_, fork)| *fork)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeRefusal {
    /// Both are non-empty and share nothing: never resolved by wiping one.
    #[error("the two histories share no epoch: one of them is foreign, restored, or emptier")]
    NothingShared,
}

/// The last position that both logs share; `Ok(None)` when that is their
/// common beginning, which only an empty standby may have.
pub fn common_position(
    primary: &History,
    standby: &History,
) -> Result<Option<Position>, HandshakeRefusal> {
    let Some(standby_head) = standby.head else {
        return Ok(None);
    };
    let shared = standby
        .epochs
        .iter()
        .rev()
        .find(|(epoch, fork)| primary.fork_of(*epoch) == Some(*fork))
        .map(|(epoch, _)| *epoch)
        .ok_or(HandshakeRefusal::NothingShared)?;
    let of_primary = primary.end_of(shared);
    let of_standby = standby.end_of(shared).unwrap_or(standby_head);
    Ok(match of_primary {
        Some(position) if position.lsn <= of_standby.lsn => Some(position),
        _ => Some(of_standby),
    })
}
