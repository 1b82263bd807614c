//! What a standby's shard knows of its primary, and how old that is.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use understudy_protocol::control::Known;
use understudy_types::{BootTime, Epoch, Lsn, Position};

/// Heartbeats whose content is not yet flushed here, at most.
const OPEN_HEARTBEATS_MAX: usize = 1024;

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

#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    inner: Mutex<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    connected: Option<BootTime>,
    last: Option<Heard>,
    /// The last record received, verified.
    received: Option<Lsn>,
    round_trip: Option<Duration>,
    cause: Option<String>,
    /// Heartbeats of which not everything is flushed here yet.
    open: VecDeque<(Option<Lsn>, BootTime)>,
    complete_as_of: Option<BootTime>,
    /// The primary's end when it answered the hello, before any heartbeat.
    welcomed: Option<Option<Lsn>>,
}

/// A copy for the status.
#[derive(Clone, Debug)]
pub(crate) struct KnowledgeView {
    pub(crate) connected: Option<BootTime>,
    pub(crate) last: Option<Heard>,
    pub(crate) received: Option<Lsn>,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) cause: Option<String>,
}

impl Knowledge {
    pub(crate) fn connected(&self, now: BootTime) {
        let mut inner = self.inner.lock();
        inner.connected = Some(now);
        inner.cause = None;
    }

    pub(crate) fn disconnected(&self, cause: String) {
        let mut inner = self.inner.lock();
        inner.connected = None;
        inner.cause = Some(cause);
    }

    /// The primary answered a hello that was sent at `asked`: at that moment
    /// it cannot have had more than `head`.
    pub(crate) fn welcomed(&self, head: Option<Lsn>, asked: BootTime) {
        let mut inner = self.inner.lock();
        inner.welcomed = Some(head);
        inner.open.push_back((head, asked));
    }

    pub(crate) fn received(&self, upto: Lsn) {
        let mut inner = self.inner.lock();
        inner.received = inner.received.max(Some(upto));
    }

    pub(crate) fn heard(&self, heard: Heard, round_trip: Option<Duration>) {
        let mut inner = self.inner.lock();
        inner.last = Some(heard);
        inner.round_trip = round_trip.or(inner.round_trip);
        if let Some(made_after) = heard.made_after {
            if inner.open.len() == OPEN_HEARTBEATS_MAX {
                inner.open.pop_back();
            }
            inner
                .open
                .push_back((heard.flushed.map(|p| p.lsn), made_after));
        }
    }

    /// What bounds the loss, given what is flushed here, by a stream of `epoch`.
    pub(crate) fn known(&self, epoch: Epoch, flushed: Option<Lsn>) -> Option<Known> {
        let mut inner = self.inner.lock();
        while let Some((upto, made_after)) = inner.open.front().copied()
            && upto <= flushed
        {
            inner.open.pop_front();
            inner.complete_as_of = inner.complete_as_of.max(Some(made_after));
        }
        let complete_as_of = inner.complete_as_of?;
        let heard = inner
            .last
            .map(|heard| heard.flushed.map(|position| position.lsn));
        let flushed = heard.or(inner.welcomed)?;
        Some(Known {
            epoch,
            flushed,
            complete_as_of,
        })
    }

    pub(crate) fn view(&self) -> KnowledgeView {
        let inner = self.inner.lock();
        KnowledgeView {
            connected: inner.connected,
            last: inner.last,
            received: inner.received,
            round_trip: inner.round_trip,
            cause: inner.cause.clone(),
        }
    }
}
