//! What clients know. It never guesses: a write whose answer did not come is
//! unknown, and both outcomes are allowed for it.

use crate::machine::CommandId;
use crate::node::Shadow;
use crate::time::SimTime;
use understudy_types::Lsn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Acknowledged {
        at: SimTime,
        lsn: Lsn,
    },
    Unknown,
    /// It has no place in any log, and never will.
    NotAccepted,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub shard: usize,
    pub key: u64,
    pub outcome: Outcome,
}

/// A register as the clients of it have seen it, at the least.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    pub lsn: Option<Lsn>,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    writes: Vec<Write>,
    /// Per shard and key: the newest that a finished operation has shown.
    floors: Vec<[Floor; crate::machine::KEYS as usize]>,
    /// Per shard: what was acknowledged and is not declared lost.
    acknowledged: Vec<Vec<CommandId>>,
}

impl Oracle {
    pub(crate) fn new(shards: usize) -> Oracle {
        Oracle {
            writes: Vec::new(),
            floors: vec![Default::default(); shards],
            acknowledged: vec![Vec::new(); shards],
        }
    }

    pub(crate) fn begin(&mut self, shard: usize, key: u64) -> CommandId {
        let id = self.writes.len() as CommandId;
        self.writes.push(Write {
            shard,
            key,
            outcome: Outcome::Pending,
        });
        id
    }

    pub(crate) fn write(&self, id: CommandId) -> &Write {
        &self.writes[id as usize]
    }

    /// The primary lets an acknowledgement go. From now on the write counts,
    /// whether or not the client lives to hear it.
    pub(crate) fn acknowledge(&mut self, id: CommandId, at: SimTime, lsn: Lsn) {
        let write = &mut self.writes[id as usize];
        write.outcome = Outcome::Acknowledged { at, lsn };
        let (shard, key) = (write.shard, write.key);
        self.acknowledged[shard].push(id);
        self.raise_floor(shard, key, lsn);
    }

    /// Ends a write otherwise; what has been acknowledged stays so.
    pub(crate) fn end(&mut self, id: CommandId, outcome: Outcome) {
        let write = &mut self.writes[id as usize];
        if write.outcome == Outcome::Pending {
            write.outcome = outcome;
        }
    }

    pub(crate) fn raise_floor(&mut self, shard: usize, key: u64, lsn: Lsn) {
        let floor = &mut self.floors[shard][key as usize];
        floor.lsn = floor.lsn.max(Some(lsn));
    }

    pub(crate) fn floor(&self, shard: usize, key: u64) -> Floor {
        self.floors[shard][key as usize]
    }

    pub(crate) fn acknowledged(&self, shard: usize) -> &[CommandId] {
        &self.acknowledged[shard]
    }

    /// A promotion that may lose something began with this log: what is not
    /// in it does not count any more.
    pub(crate) fn declare_lost(&mut self, shard: usize, lost: &[CommandId], log: &Shadow) {
        self.acknowledged[shard].retain(|id| !lost.contains(id));
        for (key, floor) in (0..).zip(&mut self.floors[shard]) {
            floor.lsn = floor.lsn.min(log.last_write(key));
        }
    }
}
