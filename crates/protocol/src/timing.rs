//! The times of the lease, and the relations that make them safe.

use std::time::Duration;

/// Valid by construction: see [`Timing::checked`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long an observer waits for an unchanged lease before it calls it
    /// expired (times 1.1, on its own clock).
    pub ttl: Duration,
    /// How much earlier than its ttl a holder falls silent.
    pub margin: Duration,
    /// How often the holder renews.
    pub renew_every: Duration,
    /// How often a standby looks at the lease and the activation flag.
    pub poll_every: Duration,
    /// The longest that one request to the object store may take.
    pub attempt_timeout: Duration,
    /// How long a switchover may hold writes before it is given up.
    pub handover_timeout: Duration,
    /// How long a standby may be silent before it leaves the in-sync set.
    pub standby_timeout: Duration,
}

/// What is wrong with a set of times, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTiming {
    #[error(
        "margin ({margin:?}) must be at least 5 % of ttl ({ttl:?}), and less than a third of it: set lease.margin between {low:?} and {high:?}"
    )]
    Margin {
        margin: Duration,
        ttl: Duration,
        low: Duration,
        high: Duration,
    },
    #[error(
        "renew_every ({renew:?}) + 2 × attempt_timeout ({attempt:?}) + 500 ms must not exceed ttl - margin ({room:?}), or one slow answer ends the lease: raise lease.ttl or lower the other two"
    )]
    Renewal {
        renew: Duration,
        attempt: Duration,
        room: Duration,
    },
    #[error("{field} must be greater than zero")]
    Zero { field: &'static str },
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            ttl: Duration::from_secs(10),
            margin: Duration::from_secs(1),
            renew_every: Duration::from_secs(2),
            poll_every: Duration::from_secs(1),
            attempt_timeout: Duration::from_millis(1500),
            handover_timeout: Duration::from_secs(2),
            standby_timeout: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// Checks the relations between the times.
    pub fn checked(self) -> Result<Timing, InvalidTiming> {
        for (field, value) in [
            ("lease.ttl", self.ttl),
            ("lease.renew_every", self.renew_every),
            ("lease.poll_every", self.poll_every),
            ("lease.attempt_timeout", self.attempt_timeout),
            ("handover_timeout", self.handover_timeout),
            ("standby_timeout", self.standby_timeout),
        ] {
            if value.is_zero() {
                return Err(InvalidTiming::Zero { field });
            }
        }
        let (low, high) = (self.ttl / 20, self.ttl / 3);
        if self.margin < low || self.margin >= high {
            return Err(InvalidTiming::Margin {
                margin: self.margin,
                ttl: self.ttl,
                low,
                high,
            });
        }
        let room = self.ttl - self.margin;
        let slack = Duration::from_millis(500);
        if self.renew_every + 2 * self.attempt_timeout + slack > room {
            return Err(InvalidTiming::Renewal {
                renew: self.renew_every,
                attempt: self.attempt_timeout,
                room,
            });
        }
        Ok(self)
    }

    /// How long the store may be silent before it counts as away.
    pub fn store_patience(&self) -> Duration {
        2 * (self.poll_every + self.attempt_timeout)
    }

    /// How long after its last write was sent the holder may still answer.
    pub(crate) fn holder_silence(&self) -> Duration {
        self.ttl - self.margin
    }

    /// How long an observer must have seen the same lease object, whose
    /// writer promised `ttl`, before its holder is certainly silent. Ten per
    /// cent on top cover clocks of different rate.
    pub(crate) fn observer_wait(ttl: Duration) -> Duration {
        ttl + ttl / 10
    }
}
