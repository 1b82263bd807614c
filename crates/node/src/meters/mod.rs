//! What has happened since the process started, counted and timed, for the
//! metrics. Who does something notes it here; [`Readings`] are one moment.

mod histogram;
mod recent;
mod tally;

pub use histogram::Times;

pub(crate) use histogram::Histogram;
pub(crate) use recent::RecentTimes;
pub(crate) use tally::{ChainFault, PromotionEnd, Resync, Tally};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use understudy_protocol::Mode;
use understudy_protocol::lag::StreamEnd;
use understudy_types::ShardName;

/// Of the whole node.
#[derive(Debug, Default)]
pub(crate) struct NodeMeters {
    pub(crate) stream_ends: Tally<StreamEnd>,
    pub(crate) chain_faults: Tally<ChainFault>,
    pub(crate) received_bytes: Count,
    pub(crate) round_trips: Histogram,
    pub(crate) lease_writes: Histogram,
    pub(crate) lease_conflicts: Count,
    /// Of every answer about the lease.
    pub(crate) store_times: RecentTimes,
    pub(crate) switchovers: Tally<PromotionEnd>,
    pub(crate) failovers: Tally<PromotionEnd>,
    /// Milliseconds of the Unix epoch; 0 before the first one.
    pub(crate) last_promotion: AtomicU64,
    pub(crate) resyncs: Tally<Resync>,
}

impl NodeMeters {
    pub(crate) fn promotions(&self, mode: Mode) -> &Tally<PromotionEnd> {
        match mode {
            Mode::Switchover => &self.switchovers,
            Mode::Failover => &self.failovers,
        }
    }

    pub(crate) fn note_promotion(&self, wall_millis: u64) {
        self.last_promotion
            .fetch_max(wall_millis, Ordering::Relaxed);
    }
}

/// Of one shard's threads.
#[derive(Debug, Default)]
pub(crate) struct ShardMeters {
    pub(crate) flushes: Histogram,
    pub(crate) recent_flushes: RecentTimes,
    pub(crate) applies: Histogram,
    pub(crate) applied_records: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often, by name; every name there is, from 0.
pub type Counts = Vec<(&'static str, u64)>;

/// All meters at one moment.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub stream_ends: Counts,
    pub chain_faults: Counts,
    pub received_bytes: u64,
    pub round_trips: Times,
    pub lease_writes: Times,
    pub lease_conflicts: u64,
    pub switchovers: Counts,
    pub failovers: Counts,
    /// Milliseconds of the Unix epoch.
    pub last_promotion: Option<u64>,
    pub resyncs: Counts,
    /// Operations of the data root's file system that failed.
    pub io_failures: u64,
    pub shards: BTreeMap<ShardName, ShardReadings>,
    /// How long a promotion would take from now on, by what was measured
    /// here; infinite while the backlog does not shrink.
    pub switchover_seconds: Option<f64>,
    pub failover_seconds: Option<f64>,
    /// How far the primary's wall clock was ahead when it was last heard, in
    /// seconds, give or take the round trip.
    pub clock_offset_seconds: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct ShardReadings {
    pub flushes: Times,
    pub applies: Times,
    pub applied_records: u64,
}

impl NodeMeters {
    pub(crate) fn readings(&self) -> Readings {
        let promoted = self.last_promotion.load(Ordering::Relaxed);
        Readings {
            stream_ends: self.stream_ends.counts(),
            chain_faults: self.chain_faults.counts(),
            received_bytes: self.received_bytes.get(),
            round_trips: self.round_trips.times(),
            lease_writes: self.lease_writes.times(),
            lease_conflicts: self.lease_conflicts.get(),
            switchovers: self.switchovers.counts(),
            failovers: self.failovers.counts(),
            last_promotion: (promoted > 0).then_some(promoted),
            resyncs: self.resyncs.counts(),
            ..Readings::default()
        }
    }
}

impl ShardMeters {
    pub(crate) fn readings(&self) -> ShardReadings {
        ShardReadings {
            flushes: self.flushes.times(),
            applies: self.applies.times(),
            applied_records: self.applied_records.get(),
        }
    }

    pub(crate) fn flushed(&self, took: Duration) {
        self.flushes.note(took);
        self.recent_flushes.note(took);
    }
}
