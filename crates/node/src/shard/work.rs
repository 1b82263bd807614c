//! What the state thread has to do: apply, or put the state right after the
//! log was cut below what is applied.

use understudy_types::Lsn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Apply what is committed, up to here.
    Apply(Lsn),
    Restore(Restoration),
    Stop,
}

/// How the state is put right, and the number of the last asking that this
/// answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restoration {
    pub(crate) number: u64,
    pub(crate) way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Take back what was applied after this record, which is a batch's last.
    RollBack(Lsn),
    /// Make the state from the log's first record.
    Anew,
}

/// What was asked. Askings are numbered, so that one that comes during a
/// restoration leads to another.
#[derive(Debug, Default)]
pub(crate) struct Restorations {
    asked: u64,
    done: u64,
    /// What answers all that is open.
    way: Option<Way>,
    pub(crate) rolled_back: u64,
    pub(crate) made_anew: u64,
}

impl Restorations {
    pub(crate) fn ask(&mut self, way: Way) -> u64 {
        self.asked += 1;
        self.way = Some(match (self.way, way) {
            (None, way) => way,
            (Some(Way::RollBack(one)), Way::RollBack(other)) => Way::RollBack(one.min(other)),
            (Some(Way::Anew), _) | (_, Way::Anew) => Way::Anew,
        });
        self.asked
    }

    pub(crate) fn due(&self) -> Option<Restoration> {
        let number = self.asked;
        self.way.map(|way| Restoration { number, way })
    }

    pub(crate) fn done(&mut self, restoration: Restoration) {
        match restoration.way {
            Way::RollBack(_) => self.rolled_back += 1,
            Way::Anew => self.made_anew += 1,
        }
        self.done = restoration.number;
        if self.done == self.asked {
            self.way = None;
        }
    }

    pub(crate) fn is_done(&self, number: u64) -> bool {
        self.done >= number
    }
}
