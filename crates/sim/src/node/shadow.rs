//! A log in outline, kept beside it for those who check: which command stands
//! where, and where batches end.

use crate::machine::{Command, CommandId};
use understudy_log::{Batch, Record};
use understudy_types::{ChainHash, Lsn, Position};

#[derive(Clone, Copy, Debug)]
struct Slot {
    command: Option<Command>,
    /// When a batch ends here.
    end: Option<ChainHash>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Shadow {
    slots: Vec<Slot>,
}

fn index(lsn: Lsn) -> usize {
    (lsn.get() - 1) as usize
}

impl Shadow {
    pub(crate) fn push(&mut self, batch: &Batch) {
        for (_, record) in batch.records() {
            let command = match record {
                Record::Command(bytes) => Some(Command::decode(&bytes)),
                Record::EpochStart(_) | Record::Audit(_) => None,
            };
            self.slots.push(Slot { command, end: None });
        }
        let last = self.slots.last_mut().expect("a batch has a record");
        last.end = Some(batch.position().hash);
    }

    pub(crate) fn cut(&mut self, keep: Option<Position>) {
        self.slots
            .truncate(keep.map_or(0, |keep| keep.lsn.get() as usize));
    }

    pub(crate) fn records(&self) -> u64 {
        self.slots.len() as u64
    }

    pub(crate) fn head(&self) -> Option<Position> {
        let lsn = Lsn::new(self.records())?;
        let hash = self.slots[index(lsn)].end.expect("a log ends with a batch");
        Some(Position { lsn, hash })
    }

    pub(crate) fn contains(&self, position: Position) -> bool {
        self.slots
            .get(index(position.lsn))
            .is_some_and(|slot| slot.end == Some(position.hash))
    }

    pub(crate) fn command_at(&self, lsn: Lsn) -> Option<CommandId> {
        self.slots
            .get(index(lsn))
            .and_then(|slot| slot.command)
            .map(|command| command.id)
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = CommandId> + '_ {
        self.slots
            .iter()
            .filter_map(|slot| slot.command)
            .map(|command| command.id)
    }

    /// The last place of a write to this key.
    pub(crate) fn last_write(&self, key: u64) -> Option<Lsn> {
        let writes = |slot: &Slot| slot.command.is_some_and(|command| command.key == key);
        let at = self.slots.iter().rposition(writes)?;
        Lsn::new(at as u64 + 1)
    }
}
