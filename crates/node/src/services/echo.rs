//! What a standby's clock said, and when: a heartbeat takes it back, so that
//! the standby knows when the heartbeat was certainly made.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use understudy_types::BootTime;

/// Between two readings that are kept. An older reading says nearly as much:
/// how old it is goes with it.
const APART: Duration = Duration::from_millis(25);
/// So that a heartbeat finds one from before it was made, however long it
/// waited behind the data that it counts.
const KEPT_MAX: usize = 128;

/// Readings of a standby's own clock, oldest first, each with its arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo(Arc<Mutex<VecDeque<(u64, BootTime)>>>);

impl Echo {
    pub(crate) fn note(&self, tick: u64, now: BootTime) {
        let mut kept = self.0.lock();
        let last = kept.back().map(|(_, arrived)| *arrived);
        if last.is_some_and(|last| now < last + APART) {
            return;
        }
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((tick, now));
    }

    /// The newest that had arrived when the heartbeat was made.
    pub(super) fn before(&self, made_at: BootTime) -> Option<(u64, BootTime)> {
        let kept = self.0.lock();
        let mut newest_first = kept.iter().rev();
        newest_first
            .find(|(_, arrived)| *arrived <= made_at)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{APART, Echo, KEPT_MAX};
    use std::time::Duration;
    use understudy_types::BootTime;

    fn at(millis: u64) -> BootTime {
        BootTime::default() + Duration::from_millis(millis)
    }

    #[test]
    fn heartbeat_takes_what_had_arrived_when_it_was_made() {
        let echo = Echo::default();
        assert_eq!(echo.before(at(1_000)), None);
        echo.note(7, at(1_000));
        echo.note(8, at(1_100));
        assert_eq!(echo.before(at(999)), None);
        assert_eq!(echo.before(at(1_000)), Some((7, at(1_000))));
        assert_eq!(echo.before(at(5_000)), Some((8, at(1_100))));
    }

    #[test]
    fn reports_in_quick_succession_leave_it_one_to_take() {
        let echo = Echo::default();
        let seconds = APART * KEPT_MAX as u32;
        let upto = seconds.as_millis() as u64 * 2;
        // A report each millisecond, as under load.
        for millis in 0..upto {
            echo.note(millis, at(millis));
        }
        for made in (upto / 2 + APART.as_millis() as u64)..upto {
            let (tick, arrived) = echo.before(at(made)).expect("a reading");
            assert_eq!(at(tick), arrived);
            assert!(at(made).since(arrived) < APART, "{made}");
        }
    }
}
