//! The second home of acknowledged writes: numbered slots in the object
//! store, used while no standby is in sync.
//!
//! A slot is a create-only object. Each shard has one sequence of them, over
//! all epochs: the primary fills the next one with flushed batches, and a
//! promotion drains them in order and *seals* the first that is free. Nobody
//! ever fills a slot before all in front of it are taken, so a sealed slot
//! stops whoever still writes, whatever its clock says.
//!
//! The rules, each of which loses acknowledged writes when it is left out:
//! - the last standby's removal from the in-sync set is durable in the lease,
//!   with [`Fallback::base`], before an acknowledgement needs a slot instead;
//! - a put whose outcome is unknown is sent again, the same bytes to the same
//!   slot, until the answer is definite: [`Filler`];
//! - an epoch is claimed before its slots are drained, so that the mark
//!   ([`Fallback::first`]) cannot move any more when it is read;
//! - the first free slot is sealed before the drain ends: [`Drainer`];
//! - slots are removed only below the mark, once it is durable, and never a
//!   seal.

mod drainer;
mod filler;
mod line;
mod slot;

pub use drainer::{DrainStep, Drainer, Drawn, Offer};
pub use filler::{FillStep, Filler, Inspected, inspect};
pub use line::{Shared, is_of_line, shared_with_line};
pub use slot::{Slot, SlotContents, SlotError, SlotNumber};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_types::{Lsn, ShardName};

/// An Lsn of each shard, inclusive; `None` for nothing yet.
pub type Watermarks = BTreeMap<ShardName, Option<Lsn>>;

/// What the lease says of the slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The low-water mark: each shard's first slot that is still needed. A
    /// shard that it does not name begins with the first of all. It never
    /// goes back.
    pub first: BTreeMap<ShardName, SlotNumber>,
    /// Set while acknowledgements rest in the store. What was acknowledged up
    /// to here is in no slot, but on every standby that was in sync then;
    /// everything that was acknowledged beyond it is in the slots from
    /// `first` on.
    pub base: Option<Watermarks>,
}

impl Fallback {
    pub fn is_unused(&self) -> bool {
        *self == Fallback::default()
    }

    pub fn first_of(&self, shard: &ShardName) -> SlotNumber {
        self.first.get(shard).copied().unwrap_or_default()
    }

    pub fn base_of(&self, shard: &ShardName) -> Option<Lsn> {
        let base = self.base.as_ref()?;
        base.get(shard).copied().flatten()
    }

    /// The store is no home any more: a standby has all of it. The slots that
    /// are taken by now are needed no more.
    pub(crate) fn leave(&mut self, free: &BTreeMap<ShardName, SlotNumber>) {
        self.base = None;
        self.pass(free);
    }

    /// Moves the mark to these slots; never back.
    pub(crate) fn pass(&mut self, free: &BTreeMap<ShardName, SlotNumber>) {
        for (shard, free) in free {
            let first = self.first.entry(shard.clone()).or_default();
            *first = (*first).max(*free);
        }
    }
}
