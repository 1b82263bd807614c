//! What a standby hears beside batches: heartbeats, and the end.

use super::Halt;
use super::Process;
use super::process::{BEAT, Plane};
use crate::env::Env;
use crate::invariants::{self, Reading};
use crate::mutation::Mutation;
use crate::network::{self, Heartbeat, Message, Progress, Side};
use understudy_protocol::Event;
use understudy_protocol::lag::{Beat, Here, Mark};
use understudy_types::{Epoch, Lsn, Position, StateAt};

impl Process {
    pub(super) fn report(&mut self, env: &mut Env, shard: usize) {
        let tick = self.now(env);
        let log = &self.shards[shard].log;
        let early = env.is_broken(Mutation::ProgressBeforeFlush);
        let flushed = if early { log.written() } else { log.flushed() };
        let life = self.id();
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        let vouched = following.vouched;
        let stream = &following.streams[shard];
        if following.draining || stream.intake.is_none() {
            return;
        }
        if let Some(id) = stream.connection {
            invariants::said(env, life);
            network::send(
                env,
                id,
                Side::Standby,
                Message::Progress(Progress {
                    flushed,
                    tick,
                    vouched,
                }),
            );
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        env: &mut Env,
        shard: usize,
        heartbeat: Heartbeat,
    ) -> Result<(), Halt> {
        let now = self.now(env);
        let arrival = env.is_broken(Mutation::KnownFromArrival);
        let Plane::Following(following) = &mut self.plane else {
            return Ok(());
        };
        let following_epoch = following.epoch;
        let stream = &mut following.streams[shard];
        stream.beats += 1;
        let made_after = match env.is_broken(Mutation::LagFromArrival) {
            true => Some(now),
            false => heartbeat.echo,
        };
        stream.lag.heard(Beat {
            flushed: heartbeat.flushed,
            bytes: 0,
            made_after,
        });
        stream.primary_flushed = stream.primary_flushed.max(heartbeat.flushed);
        if let Some(echo) = heartbeat.echo {
            stream
                .ahead
                .push((heartbeat.flushed, if arrival { now } else { echo }));
        }
        let here = &mut self.shards[shard];
        here.committed = here.committed.max(heartbeat.committed);
        self.compare(env, shard, heartbeat.state);
        self.note_complete(env, shard);
        self.report(env, shard);
        self.apply_soon(env, shard);
        self.look_at_lag(env, shard);
        if heartbeat.asks > 0 {
            let epoch = following_epoch;
            let round = heartbeat.asks;
            if env.is_broken(Mutation::WordNotKept) {
                self.vouch(env, epoch, round);
            } else {
                self.tell(env, Event::VouchAsked { epoch, round });
            }
        }
        if heartbeat.read_lease {
            self.tell(env, Event::Knock);
        }
        Ok(())
    }

    /// As a scrape would, at any moment.
    pub(super) fn look_at_lag(&mut self, env: &mut Env, shard: usize) {
        let (life, now) = (self.id(), self.now(env));
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        let local = &self.shards[shard];
        let mark = |position: Option<Position>| Mark {
            lsn: position.map(|position| position.lsn),
            bytes: 0,
        };
        let here = Here {
            received: mark(local.log.written()),
            flushed: mark(local.log.flushed()),
            applied: mark(local.applied),
        };
        let (epoch, since) = (following.epoch, following.since);
        let stream = &mut following.streams[shard];
        let Some(lag) = stream.lag.lag(&here, now, BEAT) else {
            return;
        };
        let reading = Reading {
            epoch,
            since,
            heard: stream.beats,
            here,
            lag,
            heartbeat_every: BEAT,
        };
        invariants::lag_read(env, life, shard, reading);
    }

    /// Holds the primary's word about its state against this node's own.
    fn compare(&mut self, env: &mut Env, shard: usize, claim: Option<StateAt>) {
        let (life, now) = (self.id(), self.now(env));
        let Plane::Following(following) = &self.plane else {
            return;
        };
        let Some(claim) = claim else { return };
        invariants::claimed(env, life, shard, claim);
        if env.is_broken(Mutation::DigestsNotCompared) {
            return;
        }
        let comparison = &mut self.shards[shard].comparison;
        let found = comparison.claimed(following.epoch, claim, now);
        if found.is_some() {
            env.stats.divergences += 1;
        }
    }

    /// What heartbeats said holds here as soon as it is flushed here.
    pub(super) fn note_complete(&mut self, env: &Env, shard: usize) {
        let flushed = self.shards[shard].log.flushed().map(|head| head.lsn);
        let flushed = if env.is_broken(Mutation::KnownFromArrival) {
            Lsn::new(u64::MAX - 1)
        } else {
            flushed
        };
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        let stream = &mut following.streams[shard];
        let reached = stream
            .ahead
            .iter()
            .filter(|(upto, _)| *upto <= flushed)
            .map(|(_, tick)| *tick);
        stream.complete_as_of = stream.complete_as_of.max(reached.max());
        stream.ahead.retain(|(upto, _)| *upto > flushed);
    }

    pub(super) fn end_said(
        &mut self,
        env: &mut Env,
        shard: usize,
        epoch: Epoch,
    ) -> Result<(), Halt> {
        let Plane::Following(following) = &mut self.plane else {
            return Ok(());
        };
        if epoch == following.epoch && following.streams[shard].intake.is_some() {
            following.streams[shard].end_said = true;
            self.tell_ended(env);
        }
        Ok(())
    }

    /// The end counts when everything before it is flushed, on every shard.
    pub(super) fn tell_ended(&mut self, env: &mut Env) {
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        for (stream, shard) in following.streams.iter_mut().zip(&self.shards) {
            stream.ended |= stream.end_said && shard.is_quiet();
        }
        let all = following.streams.iter().all(|stream| stream.ended);
        if all && !std::mem::replace(&mut following.told_ended, true) {
            let epoch = following.epoch;
            self.tell(env, Event::PrimaryEnded(epoch));
        }
    }
}
