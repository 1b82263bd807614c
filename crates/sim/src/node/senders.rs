//! A primary's side of replication: handshakes, batches, heartbeats, the end.

use super::process::{Plane, unexpected};
use super::serving::Sender;
use super::{Halt, Process};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use crate::network::{self, ConnectionId, Heartbeat, Hello, Message, Progress, Side};
use crate::scenario::Scenario;
use std::time::Duration;
use understudy_log::Batch;
use understudy_protocol::shard::common_position;
use understudy_protocol::{Event, StandbyId};
use understudy_types::{Lsn, Position};

/// How long a standby may be silent before its connection is dropped.
const SILENCE: Duration = Duration::from_millis(2500);

impl Process {
    pub(super) fn take_from_standby(
        &mut self,
        env: &mut Env,
        id: ConnectionId,
        message: Message,
    ) -> Result<(), Halt> {
        if !env.network.is_open(id, Side::Primary) {
            return Ok(());
        }
        match message {
            Message::Hello(hello) => self.welcome(env, id, &hello),
            Message::Progress(progress) => self.progress(env, id, progress),
            Message::Closed => {
                self.drop_sender(env, id);
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    fn reject(&mut self, env: &mut Env, id: ConnectionId) -> Result<(), Halt> {
        network::close(env, id, Side::Primary);
        Ok(())
    }

    fn welcome(&mut self, env: &mut Env, id: ConnectionId, hello: &Hello) -> Result<(), Halt> {
        let Plane::Serving(serving) = &mut self.plane else {
            return self.reject(env, id);
        };
        let epoch = serving.epoch;
        if hello.epoch != epoch || hello.primary != self.member.incarnation {
            return self.reject(env, id);
        }
        if hello.promised > epoch {
            self.tell(env, Event::PeerPromised(hello.promised));
            return self.reject(env, id);
        }
        let history = self.shards[hello.shard].history();
        let Ok(common) = common_position(&history, &hello.history) else {
            network::send(env, id, Side::Primary, Message::NothingShared);
            return self.reject(env, id);
        };
        let from = Lsn::after(common.map(|common| common.lsn));
        let reader = self.shards[hello.shard]
            .log
            .reader_factory()
            .read_from(from);
        let reader = reader.map_err(|error| super::shard::halt(&error))?;
        self.readers.insert(id, reader);
        let heard = self.now(env);
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        let sender = Sender {
            standby: hello.standby.clone(),
            heard,
            echo: None,
        };
        serving.shards[hello.shard].senders.insert(id, sender);
        network::send(env, id, Side::Primary, Message::Welcome { epoch, common });
        self.pump_soon(env, hello.shard);
        if env.is_broken(Mutation::JoinBeforeReached) {
            let (peer, heads) = (hello.standby.clone(), self.heads());
            self.tell(env, Event::PeerFlushed { peer, heads });
        }
        Ok(())
    }

    /// Sends what is flushed and was not sent.
    pub(super) fn pump(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let Plane::Serving(serving) = &self.plane else {
            return Ok(());
        };
        let Some(head) = self.shards[shard].log.flushed() else {
            return Ok(());
        };
        let life = self.id();
        for id in serving.shards[shard].senders.keys() {
            let Some(reader) = self.readers.get_mut(id) else {
                continue;
            };
            while let Some(batch) = reader.next(head.lsn).map_err(|e| super::shard::halt(&e))? {
                invariants::said(env, life);
                network::send(
                    env,
                    *id,
                    Side::Primary,
                    Message::Batch(batch.bytes().clone()),
                );
            }
        }
        Ok(())
    }

    /// The mutation: batches leave before they are flushed.
    pub(super) fn send_at_once(&mut self, env: &mut Env, shard: usize, batch: &Batch) {
        let Plane::Serving(serving) = &self.plane else {
            return;
        };
        for id in serving.shards[shard].senders.keys() {
            let factory = self.shards[shard].log.reader_factory();
            if let Ok(reader) = factory.read_from(batch.last_lsn().plus(1)) {
                self.readers.insert(*id, reader);
            }
            network::send(
                env,
                *id,
                Side::Primary,
                Message::Batch(batch.bytes().clone()),
            );
        }
    }

    fn progress(
        &mut self,
        env: &mut Env,
        id: ConnectionId,
        progress: Progress,
    ) -> Result<(), Halt> {
        let heard = self.now(env);
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        let mut found = None;
        for (shard, served) in serving.shards.iter_mut().enumerate() {
            let Some(sender) = served.senders.get_mut(&id) else {
                continue;
            };
            sender.heard = heard;
            sender.echo = Some(progress.tick);
            served
                .tracker
                .peer_flushed(&sender.standby, progress.flushed.map(|p| p.lsn));
            found = Some((shard, sender.standby.clone(), progress.flushed));
        }
        let Some((shard, peer, position)) = found else {
            return Ok(());
        };
        self.committed_moved(env, shard);
        if progress.vouched > 0 {
            let (peer, round) = (peer.clone(), progress.vouched);
            self.step(env, Event::PeerVouched { peer, round })?;
        }
        self.note_peer(env, shard, peer, position)
    }

    fn note_peer(
        &mut self,
        env: &mut Env,
        shard: usize,
        peer: StandbyId,
        position: Option<Position>,
    ) -> Result<(), Halt> {
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        let heads = serving.peers.entry(peer.clone()).or_default();
        heads.insert(Scenario::shard_name(shard), position);
        let heads = heads.clone();
        self.step(env, Event::PeerFlushed { peer, heads })
    }

    fn drop_sender(&mut self, env: &mut Env, id: ConnectionId) {
        network::close(env, id, Side::Primary);
        self.readers.remove(&id);
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        let removed = serving
            .shards
            .iter_mut()
            .find_map(|served| served.senders.remove(&id));
        let Some(sender) = removed else { return };
        let peer = sender.standby;
        let connected = serving
            .shards
            .iter()
            .any(|served| served.senders.values().any(|sender| sender.standby == peer));
        if !connected {
            serving.peers.remove(&peer);
            self.tell(env, Event::PeerGone(peer));
        }
    }

    /// Ends every stream without a word about the epoch.
    pub(super) fn close_senders(&mut self, env: &mut Env) {
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        for id in serving.senders() {
            network::close(env, id, Side::Primary);
            self.readers.remove(&id);
        }
    }

    /// Behind everything that is flushed: this epoch's primary is silent.
    pub(super) fn say_end(&mut self, env: &mut Env) -> Result<(), Halt> {
        if !env.is_broken(Mutation::EndBeforeData) {
            for shard in 0..self.shards.len() {
                self.pump(env, shard)?;
            }
        }
        let Plane::Serving(serving) = &self.plane else {
            return Ok(());
        };
        let epoch = serving.epoch;
        for id in serving.senders() {
            network::send(env, id, Side::Primary, Message::End { epoch });
            network::close(env, id, Side::Primary);
            self.readers.remove(&id);
        }
        Ok(())
    }

    pub(super) fn hint_standbys(&mut self, env: &mut Env) {
        if let Some(serving) = self.serving() {
            serving.read_lease = true;
        }
        let _ = self.heartbeats(env);
    }

    /// Sends a heartbeat behind the data of every stream, and drops those
    /// that have fallen silent.
    pub(super) fn heartbeats(&mut self, env: &mut Env) -> Result<(), Halt> {
        let now = self.now(env);
        for shard in 0..self.shards.len() {
            self.pump(env, shard)?;
        }
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        invariants::beats(env, serving.epoch);
        let read_lease = std::mem::take(&mut serving.read_lease);
        let asks = serving.asks;
        let mut silent = Vec::new();
        for (served, shard) in serving.shards.iter().zip(&self.shards) {
            let flushed = shard.log.flushed().map(|head| head.lsn);
            let committed = served.tracker.committed();
            for (id, sender) in &served.senders {
                if now.since(sender.heard) > SILENCE {
                    silent.push(*id);
                }
                let heartbeat = Heartbeat {
                    flushed,
                    committed,
                    echo: sender.echo,
                    read_lease,
                    asks,
                    state: shard.comparison.newest(),
                };
                network::send(env, *id, Side::Primary, Message::Heartbeat(heartbeat));
            }
        }
        for id in silent {
            self.drop_sender(env, id);
        }
        Ok(())
    }
}
