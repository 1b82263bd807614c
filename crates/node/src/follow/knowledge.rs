//! What a standby's shard knows of its primary, and how old that is.

use parking_lot::Mutex;
use std::time::Duration;
use understudy_protocol::control::Known;
use understudy_protocol::lag::{Beat, Here, Lag, LagTracker, Mark, StreamEnd};
use understudy_types::{BootTime, Epoch, Lsn, Position};

/// A heartbeat as it arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) flushed: Option<Position>,
    pub(crate) committed: Option<Lsn>,
    pub(crate) bytes: u64,
    pub(crate) arrived: BootTime,
    /// On this node's clock: the heartbeat was certainly made after this.
    pub(crate) made_after: Option<BootTime>,
}

/// Why a stream ended: for the metrics, and for people.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) end: StreamEnd,
    pub(crate) cause: String,
}

impl Broken {
    pub(crate) fn by(end: StreamEnd, cause: impl Into<String>) -> Broken {
        Broken {
            end,
            cause: cause.into(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    connected: Option<BootTime>,
    last: Option<Heard>,
    last_batch: Option<BootTime>,
    /// The last record received, verified.
    received: Mark,
    round_trip: Option<Duration>,
    broken: Option<Broken>,
    tracker: LagTracker,
}

/// A copy for the status.
#[derive(Clone, Debug)]
pub(crate) struct KnowledgeView {
    pub(crate) connected: Option<BootTime>,
    /// The last heartbeat, of whichever stream.
    pub(crate) last: Option<Heard>,
    pub(crate) last_batch: Option<BootTime>,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) broken: Option<Broken>,
    /// When the state was last seen to move, and how long it will take to
    /// have everything.
    pub(crate) worked_at: Option<BootTime>,
    pub(crate) catchup_seconds: Option<f64>,
}

impl Knowledge {
    /// A stream is open, and begins behind what is flushed here.
    pub(crate) fn connected(&self, from: Mark, now: BootTime) {
        let mut inner = self.inner.lock();
        inner.connected = Some(now);
        inner.received = from;
        inner.broken = None;
    }

    /// Whether that is news: there was a stream, or the cause is another one.
    pub(crate) fn disconnected(&self, broken: Broken) -> bool {
        let mut inner = self.inner.lock();
        let was_connected = inner.connected.take().is_some();
        let before = inner.broken.replace(broken.clone());
        was_connected || before.is_none_or(|before| before.cause != broken.cause)
    }

    /// The primary answered a hello that was sent at `asked`: at that moment
    /// it cannot have had more than `head`.
    pub(crate) fn welcomed(&self, head: Option<Lsn>, asked: BootTime) {
        self.inner.lock().tracker.welcomed(head, asked);
    }

    pub(crate) fn received(&self, upto: Lsn, bytes: u64, applied: Option<Lsn>, now: BootTime) {
        let mut inner = self.inner.lock();
        inner.received = Mark {
            lsn: Some(upto),
            bytes: inner.received.bytes + bytes,
        };
        inner.last_batch = Some(now);
        inner.tracker.received(upto);
        inner.tracker.sample(applied, now);
    }

    pub(crate) fn heard(&self, heard: Heard, round_trip: Option<Duration>, applied: Option<Lsn>) {
        let mut inner = self.inner.lock();
        inner.last = Some(heard);
        inner.round_trip = round_trip.or(inner.round_trip);
        inner.tracker.heard(Beat {
            flushed: heard.flushed.map(|position| position.lsn),
            bytes: heard.bytes,
            made_after: heard.made_after,
        });
        inner.tracker.sample(applied, heard.arrived);
    }

    /// When the last heartbeat arrived.
    pub(crate) fn heard_at(&self) -> Option<BootTime> {
        self.inner.lock().last.map(|heard| heard.arrived)
    }

    /// What bounds the loss, given what is flushed here, by a stream of `epoch`.
    pub(crate) fn known(&self, epoch: Epoch, flushed: Option<Lsn>) -> Option<Known> {
        self.inner.lock().tracker.known(epoch, flushed)
    }

    /// How far this node is behind, with what is on its way to the disk.
    pub(crate) fn lag(
        &self,
        flushed: Mark,
        applied: Mark,
        now: BootTime,
        heartbeat_every: Duration,
    ) -> (Mark, Option<Lag>) {
        let mut inner = self.inner.lock();
        let received = if inner.received.lsn > flushed.lsn {
            inner.received
        } else {
            flushed
        };
        let here = Here {
            received,
            flushed,
            applied,
        };
        (received, inner.tracker.lag(&here, now, heartbeat_every))
    }

    pub(crate) fn view(&self, applied: Option<Lsn>) -> KnowledgeView {
        let inner = self.inner.lock();
        KnowledgeView {
            connected: inner.connected,
            last: inner.last,
            last_batch: inner.last_batch,
            round_trip: inner.round_trip,
            broken: inner.broken.clone(),
            worked_at: inner.tracker.worked_at(),
            catchup_seconds: inner.tracker.catchup_seconds(applied),
        }
    }
}
