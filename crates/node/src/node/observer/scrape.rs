//! All that a scrape of the metrics shows, of one moment.

use super::Observer;
use super::stream::catchup_seconds;
use crate::meters::Readings;
use crate::profile::Source;
use crate::status::{Status, Verdict};
use std::time::Duration;
use understudy_protocol::Mode;

#[derive(Clone, Debug)]
pub struct Scrape {
    pub status: Status,
    pub is_primary: bool,
    pub readings: Readings,
    /// Until a standby has applied all that is known of; infinite while it
    /// comes no nearer.
    pub catchup_seconds: Option<f64>,
    /// A standby's, of both modes.
    pub verdicts: Vec<Verdict>,
}

impl Observer {
    /// Takes `verdict.time_limit` at most, and a moment.
    pub async fn scrape(&self) -> Scrape {
        let is_standby = self.snapshot.lock().following.is_some();
        let verdicts = match is_standby {
            true => self.verdicts().await,
            false => Vec::new(),
        };
        let status = self.status();
        // A promotion may have begun meanwhile: then there is no lag here.
        let follows = status.stream.is_some();
        let following = self.snapshot.lock().following.clone();
        let catchup_seconds = following
            .filter(|_| follows)
            .and_then(|context| catchup_seconds(&self.views(&context)));
        let eta = |mode| self.promotion_seconds(&status, mode, catchup_seconds?);
        let mut readings = Readings {
            io_failures: self.sources.disk.failures(),
            switchover_seconds: eta(Mode::Switchover),
            failover_seconds: eta(Mode::Failover),
            clock_offset_seconds: follows.then(|| self.clock_offset()).flatten(),
            ..self.sources.meters.readings()
        };
        let shards = self.shards.iter();
        readings.shards = shards
            .map(|shard| (shard.name.clone(), shard.meters.readings()))
            .collect();
        Scrape {
            is_primary: self.is_primary_now(),
            verdicts: if follows { verdicts } else { Vec::new() },
            status,
            readings,
            catchup_seconds,
        }
    }

    /// By what was measured here: what is left to apply, the wait for the old
    /// lease, one flush, and two answers of the store (the claim, and taking
    /// it; a hand-over's two are the primary's and this node's).
    fn promotion_seconds(&self, status: &Status, mode: Mode, catchup: f64) -> Option<f64> {
        let lease = status.lease.as_ref()?;
        let store = self.sources.meters.store_times.p99()?;
        let flush = self.flush_p99().unwrap_or(Duration::ZERO);
        let waits = mode == Mode::Failover && lease.state != "released";
        let left = (lease.ttl_seconds * 1.1 - lease.seen_seconds_ago).max(0.0);
        let wait = if waits { left } else { 0.0 };
        Some(catchup + wait + flush.as_secs_f64() + 2.0 * store.as_secs_f64())
    }

    fn clock_offset(&self) -> Option<f64> {
        match self.sources.primary.get()?.source {
            Source::Heard {
                clock_offset_millis,
                ..
            } => Some(clock_offset_millis as f64 / 1000.0),
            Source::Kept => None,
        }
    }
}
