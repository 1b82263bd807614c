//! The only place that reads a clock.

use rustix::time::{ClockId, clock_gettime};
use understudy_types::{BootTime, Clock};

/// `CLOCK_BOOTTIME` for decisions, `CLOCK_REALTIME` for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> BootTime {
        let time = clock_gettime(ClockId::Boottime);
        BootTime::from_nanos(nanos(time.tv_sec, time.tv_nsec))
    }

    fn wall_millis(&self) -> u64 {
        let time = clock_gettime(ClockId::Realtime);
        nanos(time.tv_sec, time.tv_nsec) / 1_000_000
    }
}

fn nanos(seconds: i64, nanoseconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0) * 1_000_000_000 + u64::try_from(nanoseconds).unwrap_or(0)
}
