use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment on this machine's `CLOCK_BOOTTIME`: nanoseconds since boot,
/// counted through suspend. It never leaves the machine, and it is never
/// compared with another machine's.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BootTime(u64);

impl BootTime {
    pub const fn from_nanos(nanos: u64) -> Self {
        BootTime(nanos)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: BootTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for BootTime {
    type Output = BootTime;
    fn add(self, duration: Duration) -> BootTime {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        BootTime(self.0.saturating_add(nanos))
    }
}

impl std::ops::Sub<Duration> for BootTime {
    type Output = BootTime;
    fn sub(self, duration: Duration) -> BootTime {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        BootTime(self.0.saturating_sub(nanos))
    }
}

/// Where time comes from. Only shells hold one; the core gets moments as
/// arguments.
pub trait Clock: Send + Sync + 'static {
    /// Now, on a clock that counts suspend.
    fn now(&self) -> BootTime;

    /// Milliseconds since the Unix epoch, for people, and for records that
    /// carry a date. No decision about the lease is ever taken from it.
    fn wall_millis(&self) -> u64;
}
