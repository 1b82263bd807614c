//! A promotion's way through the slots: read them in order, take over what
//! joins the log, seal the first that is free.

use super::{SlotNumber, is_of_line};
use crate::control::{Completeness, WriteAnswer};
use crate::lease::EpochRecord;
use crate::shard::{Intake, Offered};
use understudy_types::{Epoch, Lsn, ShardName};

/// What a drain found in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Nothing is there.
    Free,
    /// Batches, each of which was offered.
    Batches,
    /// It is damaged, or another version's.
    Unreadable,
    Seal,
    /// The seal of this very drain.
    OwnSeal,
}

/// What to do with a batch of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is the log's next: the caller must store it, or end the drain.
    Take,
    /// The log has it, or it is of a history that was given up.
    Leave,
    /// It does not join the log.
    Gap,
}

/// What a drain needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainStep {
    /// Read this slot, offer what it holds, then say [`Drainer::drawn`].
    Draw(SlotNumber),
    /// Put a seal there, with one nonce in all attempts, then say
    /// [`Drainer::sealed`].
    Seal(SlotNumber),
    Done {
        /// The first slot behind the seal.
        free: SlotNumber,
        complete: Completeness,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Drawing,
    Sealing,
    Done,
}

/// Drains one shard's slots for a promotion whose claim is durable.
#[derive(Clone, Debug)]
pub struct Drainer {
    state: State,
    at: SlotNumber,
    complete: Completeness,
    shard: ShardName,
    /// The epochs as they stand in the claim.
    history: Vec<EpochRecord>,
    /// The claimed one.
    epoch: Epoch,
    intake: Intake,
    head: Option<Lsn>,
}

impl Drainer {
    /// `first` is the mark, as it stands in the claim. `intake` stands where
    /// this node's log ends, which is `head`, in this history.
    pub fn new(
        first: SlotNumber,
        shard: ShardName,
        history: Vec<EpochRecord>,
        epoch: Epoch,
        intake: Intake,
        head: Option<Lsn>,
    ) -> Drainer {
        Drainer {
            state: State::Drawing,
            at: first,
            complete: Completeness::All,
            shard,
            history,
            epoch,
            intake,
            head,
        }
    }

    pub fn next(&self) -> DrainStep {
        match self.state {
            State::Drawing => DrainStep::Draw(self.at),
            State::Sealing => DrainStep::Seal(self.at),
            State::Done => DrainStep::Done {
                free: self.at.next(),
                complete: self.complete,
            },
        }
    }

    /// A batch of the slot that is drawn, verified.
    pub fn offer(&mut self, batch: Offered) -> Offer {
        let last = batch.position.lsn;
        let has = Some(last) <= self.head;
        if has || !is_of_line(&self.history, &self.shard, batch.epoch, last) {
            return Offer::Leave;
        }
        if self.intake.take(batch, self.epoch).is_err() {
            self.complete = Completeness::Gap;
            return Offer::Gap;
        }
        self.head = Some(last);
        Offer::Take
    }

    /// A batch of the slot that is drawn cannot be verified.
    pub fn offer_damaged(&mut self) {
        self.complete = Completeness::Gap;
    }

    /// A read that failed is not said: the same step is due again.
    pub fn drawn(&mut self, drawn: Drawn) {
        match drawn {
            Drawn::Free => self.state = State::Sealing,
            Drawn::OwnSeal => self.state = State::Done,
            Drawn::Batches | Drawn::Seal => self.pass(),
            Drawn::Unreadable => {
                self.complete = Completeness::Gap;
                self.pass();
            }
        }
    }

    /// Whoever filled the slots before may have been faster.
    pub fn sealed(&mut self, answer: &WriteAnswer) {
        self.state = match answer {
            WriteAnswer::Applied(_) => State::Done,
            WriteAnswer::Refused => State::Drawing,
            WriteAnswer::NotApplied | WriteAnswer::Unknown => State::Sealing,
        };
    }

    fn pass(&mut self) {
        self.at = self.at.next();
        self.state = State::Drawing;
    }
}
