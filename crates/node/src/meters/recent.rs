use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

/// How many times are remembered.
const KEPT_MAX: usize = 256;

/// How long something took lately.
#[derive(Debug, Default)]
pub(crate) struct RecentTimes(Mutex<VecDeque<Duration>>);

impl RecentTimes {
    pub(crate) fn note(&self, took: Duration) {
        let mut times = self.0.lock();
        if times.len() == KEPT_MAX {
            times.pop_front();
        }
        times.push_back(took);
    }

    /// What one in a hundred exceeded; `None` before the first one.
    pub(crate) fn p99(&self) -> Option<Duration> {
        self.percentiles([99]).map(|[p99]| p99)
    }

    /// What that many of a hundred did not exceed; `None` before the
    /// first one.
    pub(crate) fn percentiles<const N: usize>(
        &self,
        percents: [usize; N],
    ) -> Option<[Duration; N]> {
        let mut times: Vec<_> = self.0.lock().iter().copied().collect();
        if times.is_empty() {
            return None;
        }
        times.sort_unstable();
        let rank = |percent: usize| (times.len() * percent).div_ceil(100).max(1);
        Some(percents.map(|percent| times[rank(percent) - 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::RecentTimes;
    use std::time::Duration;

    #[test]
    fn one_in_a_hundred_is_above_the_p99() {
        let times = RecentTimes::default();
        assert_eq!(times.p99(), None);
        for millis in 1..=100 {
            times.note(Duration::from_millis(millis));
        }
        assert_eq!(times.p99(), Some(Duration::from_millis(99)));
        let both = [Duration::from_millis(50), Duration::from_millis(99)];
        assert_eq!(times.percentiles([50, 99]), Some(both));
    }

    #[test]
    fn old_times_are_forgotten() {
        let times = RecentTimes::default();
        times.note(Duration::from_secs(9));
        (0..super::KEPT_MAX).for_each(|_| times.note(Duration::from_millis(1)));
        assert_eq!(times.p99(), Some(Duration::from_millis(1)));
    }
}
