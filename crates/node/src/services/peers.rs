//! The standbys that stream from this node, and what they have flushed.

use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;
use understudy_protocol::{Heads, StandbyId};
use understudy_types::{BootTime, Position, ShardName};

/// Standbys that are remembered while they are away, at most.
const AWAY_MAX: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Peers {
    inner: Mutex<BTreeMap<StandbyId, BTreeMap<ShardName, Stream>>>,
    /// Those whose streams ended, as they were last heard; the newest data
    /// root of each name.
    away: Mutex<BTreeMap<StandbyId, Away>>,
    /// Wakes the driver when a standby came, went, or moved while the driver
    /// waits for that.
    pub(crate) moved: Notify,
    awaited: AtomicBool,
    /// The round in which standbys are asked for their word; 0 for none.
    asks: AtomicU64,
}

#[derive(Clone, Debug)]
struct Stream {
    /// Tells a stream from the one that replaced it.
    connection: u64,
    flushed: Option<Position>,
    applied: u64,
    state_diverged: bool,
    vouched: u64,
    heard: BootTime,
}

/// A standby as it was last heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Away {
    pub(crate) heads: Heads,
    pub(crate) heard: BootTime,
}

/// What a standby says of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) flushed: Option<Position>,
    pub(crate) applied: u64,
    pub(crate) state_diverged: bool,
    pub(crate) vouched: u64,
}

/// A standby with a stream on every shard.
#[derive(Clone, Debug)]
pub(crate) struct ConnectedPeer {
    pub(crate) standby: StandbyId,
    pub(crate) heads: Heads,
    /// The oldest word among its streams.
    pub(crate) heard: BootTime,
    /// The newest round in which it gave its word.
    pub(crate) vouched: u64,
}

impl Peers {
    /// Asks every standby for its word, in the heartbeats from now on.
    pub(crate) fn ask_to_vouch(&self, round: u64) {
        self.asks.store(round, Ordering::Relaxed);
    }

    pub(crate) fn asks(&self) -> u64 {
        self.asks.load(Ordering::Relaxed)
    }

    /// Whether every report is to wake the driver: while a hand-over waits.
    /// Otherwise it looks by itself, often enough.
    pub(crate) fn await_reports(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::Relaxed);
    }

    pub(crate) fn connected(
        &self,
        standby: &StandbyId,
        shard: &ShardName,
        connection: u64,
        flushed: Option<Position>,
        now: BootTime,
    ) {
        let stream = Stream {
            connection,
            flushed,
            applied: 0,
            state_diverged: false,
            vouched: 0,
            heard: now,
        };
        self.inner
            .lock()
            .entry(standby.clone())
            .or_default()
            .insert(shard.clone(), stream);
        self.moved.notify_one();
    }

    /// Notes what a standby reports of one shard.
    pub(crate) fn reported(
        &self,
        standby: &StandbyId,
        shard: &ShardName,
        report: Report,
        now: BootTime,
    ) {
        let mut inner = self.inner.lock();
        let Some(stream) = inner
            .get_mut(standby)
            .and_then(|shards| shards.get_mut(shard))
        else {
            return;
        };
        stream.flushed = report.flushed;
        stream.applied = report.applied;
        stream.state_diverged = report.state_diverged;
        stream.vouched = stream.vouched.max(report.vouched);
        stream.heard = now;
        drop(inner);
        if self.awaited.load(Ordering::Relaxed) || self.asks() > 0 {
            self.moved.notify_one();
        }
    }

    pub(crate) fn disconnected(&self, standby: &StandbyId, shard: &ShardName, connection: u64) {
        let mut inner = self.inner.lock();
        if let Some(shards) = inner.get_mut(standby)
            && shards
                .get(shard)
                .is_some_and(|stream| stream.connection == connection)
        {
            let last = shards.remove(shard);
            last.into_iter()
                .for_each(|last| self.note_away(standby, shard, &last));
            if shards.is_empty() {
                inner.remove(standby);
            }
        }
        drop(inner);
        self.moved.notify_one();
    }

    fn note_away(&self, standby: &StandbyId, shard: &ShardName, last: &Stream) {
        let mut away = self.away.lock();
        away.retain(|other, _| other.node != standby.node || other == standby);
        if away.len() == AWAY_MAX && !away.contains_key(standby) {
            let oldest = away.iter().min_by_key(|(_, away)| away.heard);
            let oldest = oldest.map(|(standby, _)| standby.clone());
            oldest.map(|oldest| away.remove(&oldest));
        }
        let entry = away.entry(standby.clone()).or_default();
        entry.heads.insert(shard.clone(), last.flushed);
        entry.heard = entry.heard.max(last.heard);
    }

    /// Every standby that has streamed in this epoch, as it was when a stream
    /// of it last ended.
    pub(crate) fn away(&self) -> BTreeMap<StandbyId, Away> {
        self.away.lock().clone()
    }

    /// A new epoch begins: what was heard in another one says nothing of it.
    pub(crate) fn forget_away(&self) {
        self.away.lock().clear();
    }

    /// Standbys that say of any shard that their state is not ours.
    pub(crate) fn diverged(&self) -> BTreeSet<StandbyId> {
        let inner = self.inner.lock();
        let diverged = inner
            .iter()
            .filter(|(_, streams)| streams.values().any(|stream| stream.state_diverged));
        diverged.map(|(standby, _)| standby.clone()).collect()
    }

    /// Standbys that stream all of `shards` shards.
    pub(crate) fn complete(&self, shards: usize) -> Vec<ConnectedPeer> {
        let inner = self.inner.lock();
        let complete = inner.iter().filter(|(_, streams)| streams.len() == shards);
        complete
            .map(|(standby, streams)| ConnectedPeer {
                standby: standby.clone(),
                heads: streams
                    .iter()
                    .map(|(name, s)| (name.clone(), s.flushed))
                    .collect(),
                heard: streams
                    .values()
                    .map(|stream| stream.heard)
                    .min()
                    .unwrap_or_default(),
                vouched: streams.values().map(|s| s.vouched).max().unwrap_or(0),
            })
            .collect()
    }
}
