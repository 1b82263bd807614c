use std::time::Duration;
use understudy_types::BootTime;

/// How fast older samples are forgotten.
const MEMORY: Duration = Duration::from_secs(30);

/// Between two samples, at least.
const APART: Duration = Duration::from_millis(100);

/// How fast a backlog grows or shrinks: an average over the last half minute
/// that weighs what is newer more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Convergence {
    last: Option<(BootTime, u64, u64)>,
    /// Records per second by which it shrinks, and how much of the average
    /// rests on samples.
    shrinks: f64,
    weight: f64,
    worked_at: Option<BootTime>,
}

impl Convergence {
    /// So many records are there, and so many here.
    pub fn sample(&mut self, there: u64, here: u64, now: BootTime) {
        let Some((at, there_then, here_then)) = self.last else {
            self.last = Some((now, there, here));
            return;
        };
        let since = now.since(at);
        if since < APART {
            return;
        }
        self.last = Some((now, there, here));
        if here > here_then {
            self.worked_at = Some(now);
        }
        // A log that was cut begins anew.
        if here < here_then || there < there_then {
            (self.shrinks, self.weight) = (0.0, 0.0);
            return;
        }
        let seconds = since.as_secs_f64();
        let moved = (here - here_then) as f64 - (there - there_then) as f64;
        let share = 1.0 - (-seconds / MEMORY.as_secs_f64()).exp();
        self.shrinks += share * (moved / seconds - self.shrinks);
        self.weight += share * (1.0 - self.weight);
    }

    /// When something was last seen to be worked off.
    pub fn worked_at(&self) -> Option<BootTime> {
        self.worked_at
    }

    /// Until the backlog is gone at that rate.
    pub fn seconds(&self, backlog: u64) -> f64 {
        if backlog == 0 {
            return 0.0;
        }
        let rate = self.shrinks / self.weight;
        if rate > 0.0 {
            backlog as f64 / rate
        } else {
            f64::INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Convergence;
    use std::time::Duration;
    use understudy_types::BootTime;

    /// A second each: what comes, and what is worked off.
    fn after(seconds: &[(u64, u64)]) -> Convergence {
        let mut convergence = Convergence::default();
        let (mut there, mut here, mut now) = (1_000_000, 0, BootTime::default());
        convergence.sample(there, here, now);
        for (arrived, done) in seconds {
            there += arrived;
            here += done;
            now = now + Duration::from_secs(1);
            convergence.sample(there, here, now);
        }
        convergence
    }

    #[test]
    fn backlog_that_shrinks_has_an_end() {
        let shrinking = after(&[(100, 1_100); 5]);
        let seconds = shrinking.seconds(10_000);
        assert!((seconds - 10.0).abs() < 0.01, "{seconds}");
        assert_eq!(shrinking.seconds(0), 0.0);
    }

    #[test]
    fn backlog_that_does_not_shrink_has_none() {
        for steady in [after(&[]), after(&[(500, 500); 5]), after(&[(500, 400); 5])] {
            assert_eq!(steady.seconds(1), f64::INFINITY);
            assert_eq!(steady.seconds(0), 0.0);
        }
    }

    #[test]
    fn what_is_newer_counts_more() {
        let mut seconds = vec![(0, 1_000); 60];
        seconds.extend([(0, 100); 60]);
        let rate = 1_000.0 / after(&seconds).seconds(1_000);
        assert!(rate > 100.0 && rate < 300.0, "{rate}");
    }

    #[test]
    fn log_that_was_cut_begins_anew() {
        let mut convergence = after(&[(0, 1_000); 5]);
        convergence.sample(1_000_000, 10, BootTime::from_nanos(u64::MAX / 2));
        assert_eq!(convergence.seconds(1), f64::INFINITY);
    }
}
