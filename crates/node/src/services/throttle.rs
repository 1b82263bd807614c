//! The limit of what streams may send, as a plain calculation.

use parking_lot::Mutex;
use std::time::Duration;
use understudy_types::{BootTime, ByteCount};

/// As much as this may be sent at once after a pause.
const BURST: Duration = Duration::from_millis(50);

/// All streams of this node together. What is sent is paid afterwards, so a
/// message of any size goes out whole, and the next one waits for it.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: Option<ByteCount>,
    paid_at: Mutex<BootTime>,
}

impl Throttle {
    pub(crate) fn new(bytes_per_second: Option<ByteCount>) -> Throttle {
        Throttle {
            bytes_per_second,
            paid_at: Mutex::new(BootTime::default()),
        }
    }

    /// How long the next message has to wait.
    pub(crate) fn wait(&self, now: BootTime) -> Option<Duration> {
        self.bytes_per_second?;
        let paid_at = *self.paid_at.lock();
        (paid_at > now).then(|| paid_at.since(now))
    }

    pub(crate) fn sent(&self, bytes: usize, now: BootTime) {
        let Some(rate) = self.bytes_per_second else {
            return;
        };
        let costs = Duration::from_secs_f64(bytes as f64 / rate.get() as f64);
        let mut paid_at = self.paid_at.lock();
        *paid_at = (*paid_at).max(now - BURST) + costs;
    }

    /// How much may be on its way in front of a heartbeat, so that it waits
    /// for no longer than `within`.
    pub(crate) fn chunk(&self, most: usize, within: Duration) -> usize {
        let Some(rate) = self.bytes_per_second else {
            return most;
        };
        let bytes = rate.get() as f64 * within.as_secs_f64();
        (bytes as usize).clamp(1, most)
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, Throttle};
    use std::time::Duration;
    use understudy_types::{BootTime, ByteCount};

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * SECOND)
    }

    #[test]
    fn what_was_sent_is_paid_before_more_is() {
        let throttle = Throttle::new(Some(ByteCount(1000)));
        assert_eq!(throttle.wait(at(10)), None);
        throttle.sent(2000, at(10));
        let wait = throttle.wait(at(10)).expect("two seconds are owed");
        assert_eq!(wait, Duration::from_secs(2) - BURST);
        assert_eq!(throttle.wait(at(12)), None);
    }

    #[test]
    fn pause_saves_no_more_than_a_burst() {
        let throttle = Throttle::new(Some(ByteCount(1000)));
        throttle.sent(1000, at(100));
        let wait = throttle.wait(at(100)).expect("a second is owed");
        assert_eq!(wait, Duration::from_secs(1) - BURST);
    }

    #[test]
    fn over_any_time_no_more_than_the_rate_is_sent() {
        let throttle = Throttle::new(Some(ByteCount(1 << 20)));
        let (mut now, mut sent) = (at(1), 0_u64);
        while now < at(11) {
            match throttle.wait(now) {
                Some(wait) => now = now + wait,
                None => {
                    throttle.sent(70_000, now);
                    sent += 70_000;
                }
            }
        }
        let most = (10 << 20) + 70_000 + (1 << 20) / 20;
        assert!(sent <= most, "{sent}");
        assert!(sent > (10 << 20) - 70_000, "{sent}");
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let throttle = Throttle::new(None);
        throttle.sent(usize::MAX, at(1));
        assert_eq!(throttle.wait(at(1)), None);
        assert_eq!(throttle.chunk(1 << 20, Duration::from_millis(1)), 1 << 20);
    }

    #[test]
    fn chunk_in_front_of_a_heartbeat_is_what_fits_into_the_time() {
        let throttle = Throttle::new(Some(ByteCount(1 << 20)));
        assert_eq!(throttle.chunk(1 << 20, Duration::from_millis(250)), 1 << 18);
        assert_eq!(throttle.chunk(1 << 10, Duration::from_millis(250)), 1 << 10);
    }
}
