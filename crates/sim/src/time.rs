//! Simulated time: the true one, and each node's clock over it.

use std::fmt;
use std::ops::Add;
use std::time::Duration;
use understudy_types::BootTime;

/// True time since the run began. No node ever sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimTime(u64);

impl SimTime {
    pub const ZERO: SimTime = SimTime(0);

    pub fn as_nanos(self) -> u64 {
        self.0
    }

    /// So long ago; the beginning of the run at the earliest.
    pub(crate) fn before(self, duration: Duration) -> SimTime {
        SimTime(self.0.saturating_sub(duration.as_nanos() as u64))
    }

    pub fn since(self, earlier: SimTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for SimTime {
    type Output = SimTime;
    fn add(self, duration: Duration) -> SimTime {
        SimTime(self.0 + duration.as_nanos() as u64)
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.4}", self.0 as f64 / 1e9)
    }
}

/// A machine's clocks: a boot time of its own rate and beginning, and a wall
/// clock that is wrong and jumps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeClock {
    booted: SimTime,
    at_boot: u64,
    /// How much faster than true time, in parts per million.
    pub rate_ppm: i64,
    pub wall_skew_millis: i64,
}

/// The wall clock at the beginning of a run.
const WALL_AT_START: i64 = 1_800_000_000_000;

impl NodeClock {
    pub(crate) fn new(at_boot: Duration, rate_ppm: i64) -> Self {
        NodeClock {
            booted: SimTime::ZERO,
            at_boot: at_boot.as_nanos() as u64,
            rate_ppm,
            wall_skew_millis: 0,
        }
    }

    /// The machine starts again: its boot time begins anew.
    pub(crate) fn reboot(&mut self, now: SimTime, at_boot: Duration) {
        self.booted = now;
        self.at_boot = at_boot.as_nanos() as u64;
    }

    pub(crate) fn boot_time(&self, now: SimTime) -> BootTime {
        let elapsed = now.0.saturating_sub(self.booted.0) as i128;
        let local = elapsed + elapsed * i128::from(self.rate_ppm) / 1_000_000;
        BootTime::from_nanos(self.at_boot + local as u64)
    }

    pub(crate) fn wall_millis(&self, now: SimTime) -> u64 {
        (WALL_AT_START + (now.0 / 1_000_000) as i64 + self.wall_skew_millis) as u64
    }

    /// The first true time at which this clock shows at least `target`.
    pub(crate) fn when(&self, target: BootTime) -> SimTime {
        let local = i128::from(target.as_nanos().saturating_sub(self.at_boot));
        let elapsed = local * 1_000_000 / i128::from(1_000_000 + self.rate_ppm);
        let elapsed = u64::try_from(elapsed)
            .unwrap_or(u64::MAX / 4)
            .min(u64::MAX / 4);
        let mut time = SimTime(self.booted.0 + elapsed);
        while self.boot_time(time) < target && elapsed < u64::MAX / 4 {
            time.0 += 1;
        }
        time
    }
}
