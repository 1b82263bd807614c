//! A primary's way through its slots: one put under way at a time.

use super::{Slot, SlotContents, SlotNumber};
use crate::control::WriteAnswer;
use understudy_types::{Epoch, Lsn, Nonce};

/// What a filler found in a slot that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// Nothing is there.
    Free,
    /// What this filler put there itself.
    Own,
    /// Batches that are in this node's log too, up to here: a former process
    /// of it put them, or the primary that it took over from.
    InLog { last: Lsn },
    /// Something that an older epoch left and that is of no use: its seal, or
    /// batches that are not in this node's log.
    Passed,
    /// A newer epoch's, or nothing that can be read.
    Newer,
}

/// Judges a slot that is taken, for a filler of `epoch` that puts with
/// `nonce`. `in_log` says where a batch ends, if it is in this node's log.
pub fn inspect(
    slot: &Slot,
    epoch: Epoch,
    nonce: Option<Nonce>,
    mut in_log: impl FnMut(&[u8]) -> Option<Lsn>,
) -> Inspected {
    if slot.epoch > epoch {
        return Inspected::Newer;
    }
    if Some(slot.nonce) == nonce {
        return Inspected::Own;
    }
    let SlotContents::Batches(batches) = &slot.contents else {
        return Inspected::Passed;
    };
    let ends: Option<Vec<Lsn>> = batches.iter().map(|batch| in_log(batch)).collect();
    match ends.as_ref().and_then(|ends| ends.last()) {
        Some(last) => Inspected::InLog { last: *last },
        None if slot.epoch < epoch => Inspected::Passed,
        // Only this process fills in its epoch, and never another history.
        None => Inspected::Newer,
    }
}

/// What a filler needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillStep {
    /// Nothing is flushed that is not stored.
    Wait,
    /// Read this slot, then say [`Filler::inspected`].
    Inspect(SlotNumber),
    /// Gather what is flushed from here on, put it, say [`Filler::sent`], and
    /// then [`Filler::answered`].
    Put { slot: SlotNumber, from: Lsn },
    /// Put the same bytes into the same slot again.
    PutAgain(SlotNumber),
    /// An answer is awaited.
    Awaiting,
    /// Somebody sealed the slots: nothing of this epoch is stored any more.
    Fenced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Looks for the first free slot: all below `taken` are taken, and so far
    /// `free` is the lowest that was seen free.
    Searching {
        taken: SlotNumber,
        free: Option<SlotNumber>,
    },
    /// Looks downwards from the first free slot for the last stored batch.
    LookingBack {
        at: SlotNumber,
    },
    Ready,
    Putting {
        last: Lsn,
    },
    /// The slot was taken when the put arrived.
    Settling {
        last: Lsn,
    },
    /// The put may not have landed, or may yet.
    Again {
        last: Lsn,
    },
    Fenced,
}

/// Stores one shard's flushed batches in slots, and says up to where.
#[derive(Clone, Debug)]
pub struct Filler {
    state: State,
    /// The mark: no slot below it is looked at.
    first: SlotNumber,
    /// The slot to be filled next, once it is known.
    free: SlotNumber,
    stored: Option<Lsn>,
}

impl Filler {
    /// `base` is what needs no slot. `free` is the first free slot, where a
    /// drain has just found it.
    pub fn new(first: SlotNumber, base: Option<Lsn>, free: Option<SlotNumber>) -> Filler {
        let mut filler = Filler {
            state: State::Searching {
                taken: first,
                free: None,
            },
            first,
            free: free.unwrap_or(first),
            stored: base,
        };
        if let Some(free) = free {
            filler.look_back_from(free);
        }
        filler
    }

    /// Up to here, inclusive, every record has its second home.
    pub fn stored(&self) -> Option<Lsn> {
        self.stored
    }

    /// The slot that is filled next, or being filled; `None` before it is
    /// known. All below are taken.
    pub fn free(&self) -> Option<SlotNumber> {
        let known = !matches!(
            self.state,
            State::Searching { .. } | State::LookingBack { .. }
        );
        known.then_some(self.free)
    }

    /// `flushed` is the log's end.
    pub fn next(&self, flushed: Option<Lsn>) -> FillStep {
        match self.state {
            State::Searching { taken, free } => FillStep::Inspect(self.probe(taken, free)),
            State::LookingBack { at } => FillStep::Inspect(at),
            State::Ready if flushed > self.stored => FillStep::Put {
                slot: self.free,
                from: Lsn::after(self.stored),
            },
            State::Ready => FillStep::Wait,
            State::Putting { .. } => FillStep::Awaiting,
            State::Settling { .. } => FillStep::Inspect(self.free),
            State::Again { .. } => FillStep::PutAgain(self.free),
            State::Fenced => FillStep::Fenced,
        }
    }

    /// Twice as far each time, then halfway between: slots have no holes.
    fn probe(&self, taken: SlotNumber, free: Option<SlotNumber>) -> SlotNumber {
        let known = taken.get() - self.first.get();
        let probe = match free {
            Some(free) => taken.get() + (free.get() - taken.get()) / 2,
            None => taken.get() + known,
        };
        SlotNumber::new(probe)
    }

    /// A read of the slot that was asked for. A read that failed is not said:
    /// the same step is due again.
    pub fn inspected(&mut self, found: Inspected) {
        match self.state {
            State::Searching { taken, free } => self.searched(taken, free, found),
            State::LookingBack { at } => self.looked_back(at, found),
            State::Settling { last } => self.settled(last, found),
            State::Ready | State::Putting { .. } | State::Again { .. } | State::Fenced => {}
        }
    }

    fn searched(&mut self, taken: SlotNumber, free: Option<SlotNumber>, found: Inspected) {
        let probe = self.probe(taken, free);
        let (taken, free) = match found {
            Inspected::Free => (taken, Some(probe)),
            _ => (probe.next(), free),
        };
        self.state = State::Searching { taken, free };
        if free == Some(taken) {
            self.free = taken;
            self.look_back_from(taken);
        }
    }

    fn look_back_from(&mut self, above: SlotNumber) {
        self.state = match above.get().checked_sub(1).map(SlotNumber::new) {
            Some(at) if at >= self.first => State::LookingBack { at },
            _ => State::Ready,
        };
    }

    fn looked_back(&mut self, at: SlotNumber, found: Inspected) {
        match found {
            Inspected::InLog { last } => {
                self.stored = self.stored.max(Some(last));
                self.state = State::Ready;
            }
            Inspected::Passed => self.look_back_from(at),
            Inspected::Own | Inspected::Free | Inspected::Newer => self.state = State::Fenced,
        }
    }

    /// A put was sent that holds everything up to `last`.
    pub fn sent(&mut self, last: Lsn) {
        self.state = State::Putting { last };
    }

    pub fn answered(&mut self, answer: &WriteAnswer) {
        let State::Putting { last } = self.state else {
            return;
        };
        match answer {
            WriteAnswer::Applied(_) => self.pass(last),
            // Perhaps by our own put, sent twice on its way.
            WriteAnswer::Refused => self.state = State::Settling { last },
            // It may be there, or land later: nothing else may ever be put
            // into this slot, and nothing into the next before it is.
            WriteAnswer::NotApplied | WriteAnswer::Unknown => self.state = State::Again { last },
        }
    }

    /// The bytes that were kept for the slot went out again.
    pub fn sent_again(&mut self) {
        if let State::Again { last } = self.state {
            self.state = State::Putting { last };
        }
    }

    fn settled(&mut self, last: Lsn, found: Inspected) {
        match found {
            Inspected::Own => self.pass(last),
            // What stands there is as good, and our put can never land.
            Inspected::InLog { last } => self.pass(last),
            Inspected::Free => self.state = State::Again { last },
            // Our put can never land here: the next slot is as good.
            Inspected::Passed => {
                self.free = self.free.next();
                self.state = State::Ready;
            }
            Inspected::Newer => self.state = State::Fenced,
        }
    }

    fn pass(&mut self, last: Lsn) {
        self.stored = self.stored.max(Some(last));
        self.free = self.free.next();
        self.state = State::Ready;
    }
}
