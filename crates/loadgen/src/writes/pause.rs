use serde::Serialize;
use std::time::Duration;

/// The longest time between two moments of success.
#[derive(Clone, Debug, Default)]
pub(super) struct PauseMeter {
    last: Option<Duration>,
    longest: Option<(Duration, Duration)>,
}

/// Seconds on the run's stopwatch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Pause {
    pub(crate) from_seconds: f64,
    pub(crate) seconds: f64,
    /// Whether a success ended it; else the end of the run did.
    pub(crate) ended_by_success: bool,
}

impl PauseMeter {
    /// Moments may come slightly out of order, from several writers.
    pub(super) fn observe(&mut self, now: Duration) {
        if let Some(last) = self.last {
            let gap = now.saturating_sub(last);
            if self.longest.is_none_or(|(_, longest)| gap > longest) {
                self.longest = Some((last, gap));
            }
        }
        self.last = self.last.max(Some(now));
    }

    /// The longest pause until `end`; none without two moments to compare.
    pub(super) fn longest(&self, end: Duration) -> Option<Pause> {
        let last = self.last?;
        let tail = end.saturating_sub(last);
        let pause = |from: Duration, length: Duration, ended_by_success| Pause {
            from_seconds: from.as_secs_f64(),
            seconds: length.as_secs_f64(),
            ended_by_success,
        };
        match self.longest {
            Some((from, longest)) if longest >= tail => Some(pause(from, longest, true)),
            _ => Some(pause(last, tail, false)),
        }
    }
}
