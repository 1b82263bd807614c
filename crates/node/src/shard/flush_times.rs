use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

/// How many flushes are remembered.
const KEPT_MAX: usize = 256;

/// How long the last flushes of a log took.
#[derive(Debug, Default)]
pub(crate) struct FlushTimes(Mutex<VecDeque<Duration>>);

impl FlushTimes {
    pub(crate) fn note(&self, took: Duration) {
        let mut times = self.0.lock();
        if times.len() == KEPT_MAX {
            times.pop_front();
        }
        times.push_back(took);
    }

    /// What one flush in a hundred exceeded; `None` before the first one.
    pub(crate) fn p99(&self) -> Option<Duration> {
        let mut times: Vec<_> = self.0.lock().iter().copied().collect();
        times.sort_unstable();
        let index = (times.len() * 99).div_ceil(100).checked_sub(1)?;
        times.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::FlushTimes;
    use std::time::Duration;

    #[test]
    fn one_in_a_hundred_is_above_the_p99() {
        let times = FlushTimes::default();
        assert_eq!(times.p99(), None);
        for millis in 1..=100 {
            times.note(Duration::from_millis(millis));
        }
        assert_eq!(times.p99(), Some(Duration::from_millis(99)));
    }

    #[test]
    fn old_flushes_are_forgotten() {
        let times = FlushTimes::default();
        times.note(Duration::from_secs(9));
        (0..super::KEPT_MAX).for_each(|_| times.note(Duration::from_millis(1)));
        assert_eq!(times.p99(), Some(Duration::from_millis(1)));
    }
}
