//! Who may ask for a failover: an operator alone, or a standby as well.

use crate::timing::Timing;
use std::time::Duration;

/// Longer than that, nobody is served by what acts without being asked.
const HOLD_OFF_MAX: Duration = Duration::from_secs(3600);

/// Valid by construction: see [`FailoverPolicy::automatic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailoverPolicy {
    /// Only an operator asks.
    #[default]
    Manual,
    /// A standby in the in-sync set asks itself, when the lease has been over
    /// for this long and has still not changed.
    Automatic { hold_off: Duration },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "automatic.hold_off ({hold_off:?}) must be between {low:?} (two looks at the lease, or a primary that comes back could not be noticed) and {high:?}: change it"
)]
pub struct InvalidHoldOff {
    hold_off: Duration,
    low: Duration,
    high: Duration,
}

impl FailoverPolicy {
    /// A hold-off that is not given is as long as the lease's ttl.
    pub fn automatic(
        hold_off: Option<Duration>,
        timing: &Timing,
    ) -> Result<FailoverPolicy, InvalidHoldOff> {
        let (low, high) = (timing.store_patience(), HOLD_OFF_MAX.max(timing.ttl));
        let hold_off = hold_off.unwrap_or(timing.ttl.max(low));
        if hold_off < low || hold_off > high {
            return Err(InvalidHoldOff {
                hold_off,
                low,
                high,
            });
        }
        Ok(FailoverPolicy::Automatic { hold_off })
    }

    pub fn hold_off(&self) -> Option<Duration> {
        match self {
            FailoverPolicy::Manual => None,
            FailoverPolicy::Automatic { hold_off } => Some(*hold_off),
        }
    }
}
