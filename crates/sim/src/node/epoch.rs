//! An epoch on its primary: it opens, holds its writes, and ends.

use super::process::Plane;
use super::serving::{ServedShard, Serving};
use super::{Halt, Process, Task};
use crate::client::{Reply, answer};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use std::collections::BTreeMap;
use std::time::Duration;
use understudy_protocol::Event;
use understudy_protocol::shard::{CommitTracker, Requirement};
use understudy_types::Epoch;

impl Process {
    pub(super) fn open(&mut self, env: &mut Env, epoch: Epoch, lossy: bool) -> Result<(), Halt> {
        env.stats.promotions += 1;
        env.stats.lossy_promotions += u64::from(lossy);
        self.close_senders(env);
        let logs: Vec<_> = self.shards.iter().map(|shard| &shard.shadow).collect();
        invariants::opened(env, epoch, lossy, &logs, self.clock);
        // A primary that stepped up brings what waits and what has a place.
        let mut former = match std::mem::replace(&mut self.plane, Plane::Idle) {
            Plane::Serving(former) => former
                .shards
                .into_iter()
                .map(|s| (s.waiting, s.placed))
                .collect(),
            _ => Vec::new(),
        };
        former.resize_with(self.shards.len(), Default::default);
        let shards = self
            .shards
            .iter()
            .zip(former)
            .map(|(shard, (waiting, placed))| {
                let flushed = shard.log.flushed().map(|head| head.lsn);
                let requirement = if env.is_broken(Mutation::TailNotFenced) {
                    Requirement::Local
                } else {
                    self.requirement.clone()
                };
                let mut tracker = CommitTracker::new(requirement, flushed, shard.committed);
                tracker.require(self.requirement.clone());
                tracker.stored(self.slots.stored(shard.index));
                ServedShard {
                    tracker,
                    fork: shard.log.flushed(),
                    begun: false,
                    waiting,
                    placed,
                    senders: BTreeMap::new(),
                }
            });
        self.plane = Plane::Serving(Box::new(Serving {
            epoch,
            lossy,
            is_open: false,
            held: false,
            told_sealed: false,
            told_answered: false,
            leaving: 0,
            shards: shards.collect(),
            peers: BTreeMap::new(),
            read_lease: false,
            asks: 0,
        }));
        for shard in 0..self.shards.len() {
            self.gather(env, shard)?;
        }
        Ok(())
    }

    pub(super) fn tell_opened(&mut self, env: &mut Env) {
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        let all = serving
            .shards
            .iter()
            .zip(&self.shards)
            .all(|(served, shard)| {
                let applied = shard.applied.map(|applied| applied.lsn);
                let flushed = shard.log.flushed().map(|head| head.lsn);
                let fork = served.fork.map(|fork| fork.lsn);
                served.begun && flushed > fork && applied >= fork
            });
        if all && !std::mem::replace(&mut serving.is_open, true) {
            let epoch = serving.epoch;
            invariants::opens(env, epoch);
            self.tell(env, Event::Opened(epoch));
        }
    }

    pub(super) fn hold_writes(&mut self, env: &mut Env) {
        if let Some(serving) = self.serving() {
            serving.held = true;
            serving.told_sealed = false;
            serving.told_answered = false;
        }
        self.tell_sealed(env);
        self.tell_answered(env);
    }

    pub(super) fn resume_writes(&mut self, env: &mut Env) {
        if let Some(serving) = self.serving() {
            serving.held = false;
        }
        for shard in 0..self.shards.len() {
            self.task(env, Duration::ZERO, Task::Gather(shard));
        }
    }

    pub(super) fn tell_sealed(&mut self, env: &mut Env) {
        let early = env.is_broken(Mutation::SealedBeforeFlushed);
        let quiet = early || self.shards.iter().all(|shard| shard.is_quiet());
        let heads = self.heads();
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        if serving.held && quiet && !std::mem::replace(&mut serving.told_sealed, true) {
            self.tell(env, Event::Sealed(heads));
        }
    }

    pub(super) fn tell_answered(&mut self, env: &mut Env) {
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        let none =
            serving.leaving == 0 && serving.shards.iter().all(|served| served.placed.is_empty());
        if serving.held && none && !std::mem::replace(&mut serving.told_answered, true) {
            self.tell(env, Event::Answered);
        }
    }

    /// The epoch is over here.
    pub(super) fn close(&mut self, env: &mut Env) -> Result<(), Halt> {
        self.say_end(env)?;
        let Plane::Serving(serving) = std::mem::replace(&mut self.plane, Plane::Idle) else {
            return Ok(());
        };
        for served in serving.shards {
            for waiting in served.waiting {
                answer(env, waiting.to, Reply::NotAccepted);
            }
            for waiting in served.placed.into_values() {
                answer(env, waiting.to, Reply::Unknown);
            }
        }
        Ok(())
    }
}
