//! What a process has the disk do: flushes and promises, each in its time.

use super::process::{Plane, root_halt};
use super::shard::Shard;
use super::{Halt, Process, Task};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use std::time::Duration;
use understudy_log::{DiskErrorKind, RootError};
use understudy_protocol::Event;
use understudy_types::{Epoch, Position};

impl Process {
    /// A flush of one shard begins, unless one is under way.
    pub(super) fn flush_soon(&mut self, env: &mut Env, shard: usize) {
        if std::mem::replace(&mut self.shards[shard].is_flushing, true) {
            return;
        }
        let most = env.scenario.flush_delay * self.slowness;
        let delay = env.chance.between(Duration::from_micros(200), most);
        self.task(env, delay, Task::FlushEnds(shard));
    }

    pub(super) fn flush_ends(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let before = self.shards[shard].log.flushed();
        let id = self.id();
        let flushed = self.shards[shard].flush(env, id);
        let flushed = match flushed {
            Err(_) if env.is_broken(Mutation::FlushRetried) => self.retry_flush(env, shard)?,
            other => other?,
        };
        self.shards[shard].is_flushing = false;
        if let Some(position) = flushed {
            invariants::flushed(env, shard, position);
        }
        env.say(|| format!("n{} s{shard} flushed {before:?} .. {flushed:?}", self.index));
        match &self.plane {
            Plane::Serving(_) => self.flushed_as_primary(env, shard)?,
            Plane::Following(_) => self.flushed_as_standby(env, shard)?,
            Plane::Idle => {}
        }
        self.apply_soon(env, shard);
        self.report_stop(env);
        self.tell_drained(env);
        Ok(())
    }

    /// The mutation: as if a second flush could mend what a first one lost.
    pub(super) fn retry_flush(
        &mut self,
        env: &mut Env,
        shard: usize,
    ) -> Result<Option<Position>, Halt> {
        let id = self.id();
        let opened = Shard::open(env, id, shard, self.disk.clone())?;
        self.shards[shard].log = opened.log;
        Ok(self.shards[shard].log.flushed())
    }

    pub(super) fn apply_soon(&mut self, env: &mut Env, shard: usize) {
        if !std::mem::replace(&mut self.shards[shard].is_applying, true) {
            let delay = env
                .chance
                .between(Duration::from_micros(20), Duration::from_millis(3));
            self.task(env, delay, Task::Apply(shard));
        }
    }

    /// The senders of a shard look for flushed batches, soon.
    pub(super) fn pump_soon(&mut self, env: &mut Env, shard: usize) {
        if !std::mem::replace(&mut self.shards[shard].is_pumping, true) {
            let most = env.scenario.link_delay / 2;
            let delay = env.chance.between(Duration::from_micros(20), most);
            self.task(env, delay, Task::Pump(shard));
        }
    }

    pub(super) fn promise_ends(&mut self, env: &mut Env, epoch: Epoch) -> Result<(), Halt> {
        if env.is_broken(Mutation::PromiseNotPersisted) {
            self.promised = self.promised.max(epoch);
            return self.step(env, Event::PromisePersisted(epoch));
        }
        match self.promise.persist(epoch) {
            Ok(()) => {
                self.promised = epoch;
                self.step(env, Event::PromisePersisted(epoch))
            }
            // A newer one overtook it; it holds for this one too.
            Err(RootError::OlderPromise { .. }) => self.step(env, Event::PromisePersisted(epoch)),
            Err(error) if is_full(&error) => {
                self.task(env, Duration::from_millis(300), Task::PromiseEnds(epoch));
                Ok(())
            }
            Err(error) => Err(root_halt(&error)),
        }
    }
}

fn is_full(error: &RootError) -> bool {
    matches!(error, RootError::Disk(disk) if disk.kind == DiskErrorKind::Full)
}
