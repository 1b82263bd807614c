//! Whether the threads that a node lives by still go round.
//!
//! Each of them notes the time at every turn, with work or without, and in
//! the middle of work that may take long. One that hangs falls silent, and
//! whoever watches over the process hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use understudy_types::{BootTime, Clock};

/// How long a thread that has nothing to do may wait before it shows itself.
pub(crate) const IDLE_TURN: Duration = Duration::from_millis(500);

/// A thread that is silent for so long hangs: no work of one turn takes it.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(30);

/// When one thread last went round.
pub(crate) struct Pulse {
    thread: String,
    clock: Arc<dyn Clock>,
    /// `CLOCK_BOOTTIME` in nanoseconds; advanced by the thread alone.
    last: AtomicU64,
}

impl Pulse {
    pub(crate) fn new(thread: String, clock: Arc<dyn Clock>) -> Arc<Pulse> {
        let last = AtomicU64::new(clock.now().as_nanos());
        Arc::new(Pulse {
            thread,
            clock,
            last,
        })
    }

    pub(crate) fn beat(&self) {
        self.last
            .store(self.clock.now().as_nanos(), Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        let last = BootTime::from_nanos(self.last.load(Ordering::Relaxed));
        self.clock.now().since(last)
    }
}

/// The pulses of a node: the log thread and the state thread of each shard,
/// and the driver.
#[derive(Clone)]
pub struct Pulses(Arc<[Arc<Pulse>]>);

impl std::fmt::Debug for Pulses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let threads = self.0.iter().map(|pulse| (&pulse.thread, pulse.silence()));
        f.debug_map().entries(threads).finish()
    }
}

impl Pulses {
    pub(crate) fn new(pulses: impl IntoIterator<Item = Arc<Pulse>>) -> Pulses {
        Pulses(pulses.into_iter().collect())
    }

    /// The thread that has been silent for longest, if that is longer than
    /// `limit`, and for how long.
    pub fn silent_for(&self, limit: Duration) -> Option<(&str, Duration)> {
        self.0
            .iter()
            .map(|pulse| (pulse.thread.as_str(), pulse.silence()))
            .filter(|(_, silence)| *silence > limit)
            .max_by_key(|(_, silence)| *silence)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pulse, Pulses};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    use understudy_types::{BootTime, Clock};

    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> BootTime {
            BootTime::from_nanos(self.0.load(Ordering::SeqCst))
        }

        fn wall_millis(&self) -> u64 {
            0
        }
    }

    #[test]
    fn the_longest_silence_beyond_the_limit_is_told() {
        let hand = Arc::new(Hand::default());
        let pulse = |name: &str| Pulse::new(name.to_owned(), hand.clone());
        let (log, state) = (pulse("log main"), pulse("state main"));
        let pulses = Pulses::new([log.clone(), state.clone()]);
        let limit = Duration::from_secs(2);
        hand.0.store(2_000_000_000, Ordering::SeqCst);
        assert_eq!(pulses.silent_for(limit), None, "not longer than the limit");
        state.beat();
        hand.0.store(5_000_000_000, Ordering::SeqCst);
        let longest = Some(("log main", Duration::from_secs(5)));
        assert_eq!(pulses.silent_for(limit), longest);
        log.beat();
        let other = Some(("state main", Duration::from_secs(3)));
        assert_eq!(pulses.silent_for(limit), other);
        state.beat();
        assert_eq!(pulses.silent_for(limit), None);
    }
}
