//! The store's slots, as a process fills or drains them.

mod drain;
mod fill;

use self::drain::Draining;
use self::fill::Filling;
use super::{Halt, Process, Task};
use crate::env::Env;
use crate::scenario::Scenario;
use crate::store::{self, Operation, SlotPlace};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::{SlotNumber, Watermarks};
use understudy_types::{Lsn, ShardName};

/// How soon what the store did not answer is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Filling(Vec<Filling>),
    Draining(Vec<Draining>),
}

/// What a process does with slots now. Answers to former work are dropped.
#[derive(Debug, Default)]
pub(in crate::node) struct Slots {
    number: u64,
    work: Work,
}

impl Slots {
    fn begin(&mut self, work: Work) {
        self.number += 1;
        self.work = work;
    }

    pub(in crate::node) fn stop(&mut self) {
        self.begin(Work::None);
    }

    /// The slot that each shard fills next.
    pub(in crate::node) fn free(&self) -> BTreeMap<ShardName, SlotNumber> {
        let Work::Filling(shards) = &self.work else {
            return BTreeMap::new();
        };
        let free = shards.iter().enumerate().filter_map(|(shard, filling)| {
            Some((Scenario::shard_name(shard), filling.filler.free()?))
        });
        free.collect()
    }

    pub(in crate::node) fn stored_all(&self) -> Watermarks {
        let Work::Filling(shards) = &self.work else {
            return Watermarks::new();
        };
        let stored = shards.iter().enumerate().map(|(shard, filling)| {
            let stored = filling.filler.stored();
            (Scenario::shard_name(shard), stored)
        });
        stored.collect()
    }

    pub(in crate::node) fn stored(&self, shard: usize) -> Option<Lsn> {
        match &self.work {
            Work::Filling(shards) => shards[shard].filler.stored(),
            _ => None,
        }
    }
}

impl Process {
    fn slot_place(&self, shard: usize, number: SlotNumber) -> SlotPlace {
        let work = self.slots.number;
        SlotPlace {
            shard,
            number,
            work,
        }
    }

    fn send_slot(&self, env: &mut Env, operation: Operation) {
        store::send(env, self.index, self.life, operation);
    }

    fn try_slot_again(&self, env: &mut Env, place: SlotPlace) {
        self.task(env, RETRY_AFTER, Task::SlotAgain(place));
    }

    pub(in crate::node) fn slot_fetched(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        fetched: ObjectFetched,
    ) -> Result<(), Halt> {
        if place.work != self.slots.number {
            return Ok(());
        }
        let body = match fetched {
            ObjectFetched::Found { body, .. } => Some(body),
            ObjectFetched::Absent => None,
            ObjectFetched::Failed | ObjectFetched::NotModified => {
                self.try_slot_again(env, place);
                return Ok(());
            }
        };
        match &self.slots.work {
            Work::None => Ok(()),
            Work::Filling(_) => self.inspected(env, place, body),
            Work::Draining(_) => self.drawn(env, place, body),
        }
    }

    pub(in crate::node) fn slot_put(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        answer: WriteAnswer,
    ) -> Result<(), Halt> {
        if place.work != self.slots.number {
            return Ok(());
        }
        match &self.slots.work {
            Work::None => Ok(()),
            Work::Filling(_) => self.filled(env, place, &answer),
            Work::Draining(_) => self.sealed(env, place, &answer),
        }
    }

    pub(in crate::node) fn slot_again(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
    ) -> Result<(), Halt> {
        if place.work != self.slots.number {
            return Ok(());
        }
        match &self.slots.work {
            Work::None => Ok(()),
            Work::Filling(_) => self.ask_again(env, place.shard),
            Work::Draining(_) => self.go_on_draining(env, place.shard),
        }
    }

    pub(in crate::node) fn remove_slots(
        &self,
        env: &mut Env,
        ranges: &BTreeMap<ShardName, Range<SlotNumber>>,
    ) {
        for shard in 0..self.shards.len() {
            let Some(range) = ranges.get(&Scenario::shard_name(shard)) else {
                continue;
            };
            let mut number = range.start;
            while number < range.end {
                let place = self.slot_place(shard, number);
                self.send_slot(env, Operation::RemoveSlot(place));
                number = number.next();
            }
        }
    }
}
