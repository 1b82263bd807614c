//! A primary without a standby stores what it flushes.

use super::Work;
use crate::env::Env;
use crate::mutation::Mutation;
use crate::node::process::Plane;
use crate::node::{Halt, Process};
use crate::scenario::Scenario;
use crate::store::{Operation, SlotPlace};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use understudy_log::{Batch, LogError};
use understudy_protocol::control::WriteAnswer;
use understudy_protocol::fallback::{
    Fallback, FillStep, Filler, Inspected, Slot, SlotContents, SlotNumber, inspect,
};
use understudy_types::{Epoch, Lsn, Nonce, ShardName};

/// Batches in one slot, at most: small, so that there are many slots.
const BATCHES_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Filling {
    pub(super) filler: Filler,
    epoch: Epoch,
    /// What was put last, until its answer is definite.
    kept: Option<Kept>,
    asking: bool,
}

#[derive(Clone, Debug)]
struct Kept {
    nonce: Nonce,
    body: Vec<u8>,
}

impl Process {
    pub(in crate::node) fn fill_slots(
        &mut self,
        env: &mut Env,
        epoch: Epoch,
        fallback: &Fallback,
        free: &BTreeMap<ShardName, SlotNumber>,
    ) -> Result<(), Halt> {
        env.stats.fallbacks += 1;
        let fillings = (0..self.shards.len()).map(|shard| {
            let name = Scenario::shard_name(shard);
            let base = fallback.base.as_ref();
            let base = base.and_then(|base| base.get(&name).copied().flatten());
            Filling {
                filler: Filler::new(fallback.first_of(&name), base, free.get(&name).copied()),
                epoch,
                kept: None,
                asking: false,
            }
        });
        let fillings = fillings.collect();
        self.slots.begin(Work::Filling(fillings));
        for shard in 0..self.shards.len() {
            self.note_stored(env, shard);
            self.go_on_filling(env, shard)?;
        }
        Ok(())
    }

    /// More is flushed.
    pub(in crate::node) fn fill_more(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        match &self.slots.work {
            Work::Filling(_) => self.go_on_filling(env, shard),
            _ => Ok(()),
        }
    }

    fn filling(&mut self, shard: usize) -> &mut Filling {
        match &mut self.slots.work {
            Work::Filling(shards) => &mut shards[shard],
            _ => unreachable!("asked only while slots are filled"),
        }
    }

    /// The store did not answer.
    pub(super) fn ask_again(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        self.filling(shard).asking = false;
        self.go_on_filling(env, shard)
    }

    pub(super) fn go_on_filling(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let flushed = self.shards[shard].log.flushed().map(|head| head.lsn);
        let filling = self.filling(shard);
        if filling.asking {
            return Ok(());
        }
        match filling.filler.next(flushed) {
            FillStep::Wait | FillStep::Awaiting | FillStep::Fenced => {}
            FillStep::Inspect(number) => {
                filling.asking = true;
                let place = self.slot_place(shard, number);
                self.send_slot(env, Operation::FetchSlot(place));
            }
            FillStep::Put { slot, from } => {
                let (batches, last) = self.batches_from(shard, from, flushed)?;
                let nonce = Nonce::from_bytes(env.chance.bytes());
                let cluster = env.scenario.cluster;
                let filling = self.filling(shard);
                let body = Slot {
                    cluster,
                    shard: Scenario::shard_name(shard),
                    number: slot,
                    epoch: filling.epoch,
                    nonce,
                    contents: SlotContents::Batches(batches),
                };
                let body = body.encode();
                filling.kept = Some(Kept {
                    nonce,
                    body: body.clone(),
                });
                filling.filler.sent(last);
                if env.is_broken(Mutation::StoredWhenSent) {
                    self.count_stored(env, shard, Some(last));
                }
                let place = self.slot_place(shard, slot);
                self.send_slot(env, Operation::PutSlot { place, body });
            }
            FillStep::PutAgain(slot) => {
                filling.filler.sent_again();
                let kept = filling.kept.as_ref().expect("kept until it is definite");
                let body = kept.body.clone();
                let place = self.slot_place(shard, slot);
                self.send_slot(env, Operation::PutSlot { place, body });
            }
        }
        Ok(())
    }

    fn batches_from(
        &self,
        shard: usize,
        from: Lsn,
        flushed: Option<Lsn>,
    ) -> Result<(Vec<ByteBuf>, Lsn), Halt> {
        let upto = flushed.expect("something is flushed beyond what is stored");
        let failed = |error: LogError| Halt::Broken(error.to_string());
        let reader = self.shards[shard].log.reader_factory().read_from(from);
        let mut reader = reader.map_err(failed)?;
        let mut batches = Vec::new();
        let mut last = None;
        while batches.len() < BATCHES_MAX
            && let Some(batch) = reader.next(upto).map_err(failed)?
        {
            last = Some(batch.last_lsn());
            batches.push(ByteBuf::from(batch.bytes().to_vec()));
        }
        let last = last.ok_or_else(|| Halt::Broken(format!("no batch begins at {from}")))?;
        Ok((batches, last))
    }

    pub(super) fn inspected(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        body: Option<Vec<u8>>,
    ) -> Result<(), Halt> {
        let found = self.judge_slot(env, place, body);
        let filling = self.filling(place.shard);
        filling.asking = false;
        filling.filler.inspected(found);
        self.note_stored(env, place.shard);
        self.go_on_filling(env, place.shard)
    }

    fn judge_slot(&mut self, env: &Env, place: SlotPlace, body: Option<Vec<u8>>) -> Inspected {
        let Some(body) = body else {
            return Inspected::Free;
        };
        let name = Scenario::shard_name(place.shard);
        let Ok(slot) = Slot::decode(&body, env.scenario.cluster, &name, place.number) else {
            return Inspected::Newer;
        };
        let filling = self.filling(place.shard);
        let nonce = filling.kept.as_ref().map(|kept| kept.nonce);
        let epoch = filling.epoch;
        let log = &self.shards[place.shard].shadow;
        inspect(&slot, epoch, nonce, |bytes| {
            let batch = Batch::decode(bytes.to_vec().into()).ok()?;
            log.contains(batch.position()).then(|| batch.last_lsn())
        })
    }

    pub(super) fn filled(
        &mut self,
        env: &mut Env,
        place: SlotPlace,
        answer: &WriteAnswer,
    ) -> Result<(), Halt> {
        let left = env.is_broken(Mutation::SlotLeftBehind);
        let filler = &mut self.filling(place.shard).filler;
        match answer {
            WriteAnswer::Unknown if left => {
                filler.answered(&WriteAnswer::Refused);
                filler.inspected(Inspected::Passed);
            }
            answer => filler.answered(answer),
        }
        self.note_stored(env, place.shard);
        if matches!(answer, WriteAnswer::NotApplied | WriteAnswer::Unknown) {
            self.try_slot_again(env, place);
            return Ok(());
        }
        self.go_on_filling(env, place.shard)
    }

    fn note_stored(&mut self, env: &mut Env, shard: usize) {
        let stored = self.filling(shard).filler.stored();
        self.count_stored(env, shard, stored);
    }

    fn count_stored(&mut self, env: &mut Env, shard: usize, stored: Option<Lsn>) {
        if let Plane::Serving(serving) = &mut self.plane {
            serving.shards[shard].tracker.stored(stored);
        }
        self.committed_moved(env, shard);
    }
}
