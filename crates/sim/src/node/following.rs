//! The data plane of a standby: connect, take, flush, report, apply.

use super::process::{Plane, unexpected};
use super::shard::{Appended, offered};
use super::{Halt, Process};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use crate::network::{self, ConnectionId, Hello, Message, Side};
use crate::scenario::Scenario;
use crate::time::SimTime;
use bytes::Bytes;
use std::time::Duration;
use understudy_log::Batch;
use understudy_protocol::Member;
use understudy_protocol::lag::LagTracker;
use understudy_protocol::shard::Intake;
use understudy_types::{BootTime, Epoch, Lsn};

/// How long a primary may be silent before its connection is given up.
const SILENCE: Duration = Duration::from_millis(1500);

#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) connection: Option<ConnectionId>,
    /// From the welcome on.
    pub(super) intake: Option<Intake>,
    pub(super) heard: BootTime,
    /// The end was said; it counts when all is flushed.
    pub(super) end_said: bool,
    pub(super) ended: bool,
    pub(super) primary_flushed: Option<Lsn>,
    pub(super) complete_as_of: Option<BootTime>,
    /// Heartbeats whose flushed watermark is not reached yet.
    pub(super) ahead: Vec<(Option<Lsn>, BootTime)>,
    pub(super) lag: LagTracker,
    /// Heartbeats that the lag rests on.
    pub(super) beats: u64,
}

#[derive(Debug)]
pub(super) struct Following {
    pub(super) epoch: Epoch,
    pub(super) promised: Epoch,
    pub(super) primary: Member,
    pub(super) draining: bool,
    pub(super) streams: Vec<Stream>,
    pub(super) told_ended: bool,
    pub(super) since: SimTime,
    /// The last round of the primary's that this node gave its word in.
    pub(super) vouched: u64,
}

impl Process {
    pub(super) fn follow(
        &mut self,
        env: &mut Env,
        epoch: Epoch,
        promised: Epoch,
        primary: Member,
    ) -> Result<(), Halt> {
        self.cut_streams(env);
        let streams = self.shards.iter().map(|_| Stream::default()).collect();
        self.plane = Plane::Following(Following {
            epoch,
            promised,
            primary,
            draining: false,
            streams,
            told_ended: false,
            since: env.now,
            vouched: 0,
        });
        self.look_after_streams(env)
    }

    /// Takes what still comes, and reports no more.
    pub(super) fn drain_following(&mut self, env: &mut Env) {
        if env.is_broken(Mutation::NoPromiseBeforeClaim) {
            return;
        }
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        following.draining = true;
        for stream in &mut following.streams {
            // A handshake under way would only cut what a promotion counts.
            if stream.intake.is_none()
                && let Some(id) = stream.connection.take()
            {
                network::close(env, id, Side::Standby);
            }
        }
    }

    pub(super) fn stop_following(&mut self, env: &mut Env) {
        self.cut_streams(env);
        if matches!(self.plane, Plane::Following(_)) {
            self.plane = Plane::Idle;
        }
        self.stop_wanted = true;
        self.report_stop(env);
    }

    fn cut_streams(&mut self, env: &mut Env) {
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        for stream in &mut following.streams {
            if let Some(id) = stream.connection.take() {
                network::close(env, id, Side::Standby);
            }
        }
    }

    fn shard_of(&self, id: ConnectionId) -> Option<usize> {
        let Plane::Following(following) = &self.plane else {
            return None;
        };
        following
            .streams
            .iter()
            .position(|stream| stream.connection == Some(id))
    }

    pub(super) fn drop_stream(&mut self, env: &mut Env, shard: usize) {
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        let stream = &mut following.streams[shard];
        if let Some(id) = stream.connection.take() {
            network::close(env, id, Side::Standby);
        }
        stream.intake = None;
        stream.ahead.clear();
    }

    /// Connects what is not connected, and gives up what is silent.
    pub(super) fn look_after_streams(&mut self, env: &mut Env) -> Result<(), Halt> {
        let now = self.now(env);
        for shard in 0..self.shards.len() {
            self.look_at_lag(env, shard);
            let Plane::Following(following) = &self.plane else {
                return Ok(());
            };
            let stream = &following.streams[shard];
            let connected = stream.connection.is_some();
            if connected && now.since(stream.heard) > SILENCE {
                env.say(|| format!("n{} s{shard} hears nothing", self.index));
                self.drop_stream(env, shard);
            } else if !connected
                && !following.draining
                && !stream.end_said
                && self.shards[shard].is_quiet()
            {
                self.connect(env, shard);
            }
        }
        Ok(())
    }

    fn connect(&mut self, env: &mut Env, shard: usize) {
        let now = self.now(env);
        let Plane::Following(following) = &mut self.plane else {
            return;
        };
        let node = Scenario::node_index(&following.primary.node);
        let promised = if env.is_broken(Mutation::OldStreamTaken) {
            following.epoch
        } else {
            following.promised.max(self.promised)
        };
        let hello = Hello {
            shard,
            standby: self.member.standby_id(),
            primary: following.primary.incarnation,
            epoch: following.epoch,
            promised,
            history: self.shards[shard].history(),
        };
        let id = network::connect(env, (self.index, self.life), node, hello);
        let stream = &mut following.streams[shard];
        stream.connection = Some(id);
        stream.intake = None;
        stream.heard = now;
        stream.end_said = false;
    }

    pub(super) fn take_from_primary(
        &mut self,
        env: &mut Env,
        id: ConnectionId,
        message: Message,
    ) -> Result<(), Halt> {
        let Some(shard) = self.shard_of(id) else {
            return Ok(());
        };
        let now = self.now(env);
        if let Plane::Following(following) = &mut self.plane {
            following.streams[shard].heard = now;
        }
        match message {
            Message::Welcome { epoch, common } => self.welcomed(env, shard, epoch, common),
            Message::Batch(bytes) => self.take(env, shard, bytes),
            Message::Heartbeat(heartbeat) => self.heartbeat(env, shard, heartbeat),
            Message::End { epoch } => self.end_said(env, shard, epoch),
            Message::Closed => {
                self.drop_stream(env, shard);
                Ok(())
            }
            Message::NothingShared => {
                env.say(|| format!("n{} s{shard} shares nothing with its primary", self.index));
                self.nothing_shared = true;
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    fn take(&mut self, env: &mut Env, shard: usize, bytes: Bytes) -> Result<(), Halt> {
        let Ok(batch) = Batch::decode(bytes) else {
            env.say(|| format!("n{} s{shard} refuses a damaged batch", self.index));
            self.drop_stream(env, shard);
            return Ok(());
        };
        let Plane::Following(following) = &mut self.plane else {
            return Ok(());
        };
        let fence = if following.draining || env.is_broken(Mutation::OldStreamTaken) {
            following.epoch
        } else {
            self.promised
        };
        let fence = if env.is_broken(Mutation::NoPromiseBeforeClaim) {
            following.epoch
        } else {
            fence
        };
        let draining = following.draining;
        let epoch = following.epoch;
        let Some(intake) = &mut following.streams[shard].intake else {
            return Ok(());
        };
        let offered = offered(&batch);
        if let Err(refusal) = intake.take(offered, fence) {
            env.say(|| format!("n{} s{shard} refuses: {refusal}", self.index));
            self.drop_stream(env, shard);
            return Ok(());
        }
        let id = self.id();
        invariants::stored(env, id, epoch, self.promise.promised());
        if !draining {
            invariants::fenced(env, id, epoch, self.promise.promised());
        }
        if self.shards[shard].append(&batch)? == Appended::Full {
            self.drop_stream(env, shard);
            return Ok(());
        }
        invariants::taken(env, id, shard, &batch);
        let here = &mut self.shards[shard];
        here.committed = here.committed.max(batch.committed());
        self.flush_soon(env, shard);
        if env.is_broken(Mutation::ProgressBeforeFlush) {
            self.report(env, shard);
        }
        Ok(())
    }

    pub(super) fn flushed_as_standby(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        self.note_complete(env, shard);
        self.report(env, shard);
        self.tell_ended(env);
        let wants_more = !self.shards[shard].is_quiet();
        if wants_more {
            self.flush_soon(env, shard);
        }
        Ok(())
    }
}
