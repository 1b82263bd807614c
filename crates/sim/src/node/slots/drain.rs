//! A promotion takes over what the slots hold, and seals them.

use super::Work;
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use crate::node::shard::{Appended, offered};
use crate::node::{Halt, Process};
use crate::scenario::Scenario;
use crate::store::{Operation, SlotPlace};
use std::collections::BTreeMap;
use understudy_log::Batch;
use understudy_protocol::control::{Completeness, Drained, WriteAnswer};
use understudy_protocol::fallback::{
    DrainStep, Drainer, Drawn, Offer, Shared, Slot, SlotContents, SlotNumber, shared_with_line,
};
use understudy_protocol::shard::Intake;
use understudy_protocol::{ETag, EpochRecord, Event};
use understudy_types::{Epoch, Nonce, ShardName};

#[derive(Debug)]
pub(super) struct Draining {
    /// Absent until the log ends in the history, and is flushed.
    drainer: Option<Drainer>,
    seal: Slot,
    first: SlotNumber,
    history: Vec<EpochRecord>,
}

/// What a slot's batches came to.
enum Taken {
    All,
    /// The disk is full: the drain begins anew.
    NoSpace,
}

impl Process {
    pub(in crate::node) fn drain_slots(
        &mut self,
        env: &mut Env,
        epoch: Epoch,
        first: &BTreeMap<ShardName, SlotNumber>,
        history: &[EpochRecord],
    ) -> Result<(), Halt> {
        env.stats.drains += 1;
        if env.is_broken(Mutation::SlotsNotDrained) {
            let drained = Drained {
                heads: self.heads(),
                complete: Completeness::All,
                free_slots: first.clone(),
            };
            self.tell(env, Event::Drained(drained));
            return Ok(());
        }
        let drains = (0..self.shards.len()).map(|shard| {
            let name = Scenario::shard_name(shard);
            let first = match env.is_broken(Mutation::MarkNotRead) {
                true => SlotNumber::default(),
                false => first.get(&name).copied().unwrap_or_default(),
            };
            let seal = Slot {
                cluster: env.scenario.cluster,
                shard: name,
                number: first,
                epoch,
                nonce: Nonce::from_bytes(env.chance.bytes()),
                contents: SlotContents::Seal,
            };
            Draining {
                drainer: None,
                seal,
                first,
                history: history.to_vec(),
            }
        });
        let drains = drains.collect();
        self.slots.begin(Work::Draining(drains));
        for shard in 0..self.shards.len() {
            self.go_on_draining(env, shard)?;
        }
        Ok(())
    }

    fn draining(&mut self, shard: usize) -> &mut Draining {
        match &mut self.slots.work {
            Work::Draining(shards) => &mut shards[shard],
            _ => unreachable!("asked only while slots are drained"),
        }
    }

    /// Stands this shard at the end of what it shares with the history; false
    /// while the disk has no space for the copy of the rest.
    fn stand_in_line(&mut self, env: &mut Env, shard: usize) -> Result<bool, Halt> {
        if !self.shards[shard].is_quiet() {
            return Ok(false);
        }
        let name = Scenario::shard_name(shard);
        let log = &self.shards[shard].log;
        let end = log.last_epoch().zip(log.flushed());
        let history = self.draining(shard).history.clone();
        let shared = end.map(|(epoch, head)| shared_with_line(&history, &name, epoch, head));
        if let Some(Shared::Upto(Some(keep))) = shared
            && !self.cut_tail(env, shard, Some(keep))?
        {
            return Ok(false);
        }
        let log = &self.shards[shard].log;
        let (last_epoch, flushed, hash) = (log.last_epoch(), log.flushed(), log.head_hash());
        let draining = self.draining(shard);
        let epoch = draining.seal.epoch;
        let intake = Intake::new(epoch, last_epoch, flushed, hash);
        let head = flushed.map(|head| head.lsn);
        let drainer = Drainer::new(draining.first, name, history, epoch, intake, head);
        draining.drainer = Some(drainer);
        Ok(true)
    }

    pub(super) fn go_on_draining(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let draining = self.draining(shard);
        let first = draining.first;
        if draining.drainer.is_none() && !self.stand_in_line(env, shard)? {
            let place = self.slot_place(shard, first);
            self.try_slot_again(env, place);
            return Ok(());
        }
        let draining = self.draining(shard);
        let drainer = draining.drainer.as_ref().expect("it stands in line");
        match drainer.next() {
            DrainStep::Draw(number) => {
                let place = self.slot_place(shard, number);
                self.send_slot(env, Operation::FetchSlot(place));
            }
            DrainStep::Seal(number) => {
                draining.seal.number = number;
                let body = draining.seal.encode();
                let place = self.slot_place(shard, number);
                if env.is_broken(Mutation::NoSeal) {
                    let applied = WriteAnswer::Applied(ETag(String::new()));
                    return self.sealed(env, place, &applied);
                }
                self.send_slot(env, Operation::PutSlot { place, body });
            }
            DrainStep::Done { .. } => self.tell_drained(env),
        }
        Ok(())
    }

    /// Once every shard is sealed, and what they took over is flushed.
    pub(in crate::node) fn tell_drained(&mut self, env: &mut Env) {
        let Work::Draining(shards) = &self.slots.work else {
            return;
        };
        if !self.shards.iter().all(|shard| shard.is_quiet()) {
            return;
        }
        let mut complete = Completeness::All;
        let mut free_slots = BTreeMap::new();
        for (shard, draining) in shards.iter().enumerate() {
            let step = draining.drainer.as_ref().map(Drainer::next);
            let Some(DrainStep::Done {
                free,
                complete: all,
            }) = step
            else {
                return;
            };
            if all == Completeness::Gap {
                complete = Completeness::Gap;
            }
            free_slots.insert(Scenario::shard_name(shard), free);
        }
        self.slots.stop();
        let heads = self.heads();
        let drained = Drained {
            heads,
            complete,
            free_slots,
        };
        self.tell(env, Event::Drained(drained));
    }

    pub(super) fn drawn(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        body: Option<Vec<u8>>,
    ) -> Result<(), Halt> {
        let name = Scenario::shard_name(place.shard);
        let cluster = env.scenario.cluster;
        let slot = body.map(|body| Slot::decode(&body, cluster, &name, place.number));
        let drawn = match slot {
            None => Drawn::Free,
            Some(Err(_)) => Drawn::Unreadable,
            Some(Ok(slot)) => {
                let own = slot.nonce == self.draining(place.shard).seal.nonce;
                match slot.contents {
                    SlotContents::Seal if own => Drawn::OwnSeal,
                    SlotContents::Seal => Drawn::Seal,
                    SlotContents::Batches(batches) => {
                        let batches = batches.into_iter().map(|bytes| bytes.into_vec());
                        match self.take_over(env, place.shard, batches)? {
                            Taken::All => Drawn::Batches,
                            Taken::NoSpace => {
                                self.draining(place.shard).drainer = None;
                                self.try_slot_again(env, place);
                                return Ok(());
                            }
                        }
                    }
                }
            }
        };
        if let Some(drainer) = &mut self.draining(place.shard).drainer {
            drainer.drawn(drawn);
        }
        self.go_on_draining(env, place.shard)
    }

    fn take_over(
        &mut self,
        env: &mut Env,
        shard: usize,
        batches: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Taken, Halt> {
        for bytes in batches {
            let Some(drainer) = &mut self.draining(shard).drainer else {
                break;
            };
            let Ok(batch) = Batch::decode(bytes.into()) else {
                drainer.offer_damaged();
                continue;
            };
            let offered = offered(&batch);
            if drainer.offer(offered) != Offer::Take {
                continue;
            }
            let id = self.id();
            invariants::stored(env, id, batch.epoch(), self.promise.promised());
            if self.shards[shard].append(&batch)? == Appended::Full {
                return Ok(Taken::NoSpace);
            }
            invariants::taken(env, id, shard, &batch);
            let here = &mut self.shards[shard];
            here.committed = here.committed.max(batch.committed());
            self.flush_soon(env, shard);
        }
        Ok(Taken::All)
    }

    pub(super) fn sealed(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        answer: &WriteAnswer,
    ) -> Result<(), Halt> {
        if let Some(drainer) = &mut self.draining(place.shard).drainer {
            drainer.sealed(answer);
        }
        if matches!(answer, WriteAnswer::NotApplied | WriteAnswer::Unknown) {
            self.try_slot_again(env, place);
            return Ok(());
        }
        self.go_on_draining(env, place.shard)
    }
}
