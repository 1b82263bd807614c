use super::gap::Gap;
use crate::Verdict;
use crate::bench::Report;
use crate::table::Table;
use serde::Serialize;

/// The samples of a catch-up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CatchupReport {
    samples: Vec<Sample>,
}

/// What the consoles said at one moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    pub(super) seconds: f64,
    /// None: not known.
    pub(super) gap: Option<Gap>,
}

impl CatchupReport {
    pub(super) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Whether the last sample shows every shard at its target.
    pub fn caught_up(&self) -> bool {
        let last = self.samples.last().and_then(|sample| sample.gap);
        last.is_some_and(|gap| gap.behind == 0)
    }

    /// Records per second from the first known sample to the last; none
    /// without two of them.
    pub fn records_per_second(&self) -> Option<f64> {
        let mut known = self.known();
        let first = known.next()?;
        rate(first, known.next_back()?)
    }

    /// A sample as one line, with the rate since the one before.
    pub(super) fn line(&self, sample: &Sample) -> String {
        let seconds = sample.seconds;
        let Some(gap) = sample.gap else {
            return format!("{seconds:8.2} s  position unknown");
        };
        let before = self.known().next_back();
        let rate = before.and_then(|before| rate(before, (seconds, gap)));
        let rate = rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
        format!(
            "{seconds:8.2} s  at {}  target {}  behind {}  records/s {rate}",
            gap.reached, gap.target, gap.behind
        )
    }

    fn known(&self) -> impl DoubleEndedIterator<Item = (f64, Gap)> + '_ {
        self.samples
            .iter()
            .filter_map(|sample| Some((sample.seconds, sample.gap?)))
    }
}

/// None when no time passed, or when the standby began anew meanwhile.
fn rate((earlier, from): (f64, Gap), (later, to): (f64, Gap)) -> Option<f64> {
    let records = to.reached.checked_sub(from.reached)?;
    (later > earlier).then(|| records as f64 / (later - earlier))
}

impl Report for CatchupReport {
    fn verdict(&self) -> Verdict {
        if self.caught_up() {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }

    fn to_table(&self) -> String {
        let mut table = Table::titled("catchup");
        let caught_up = if self.caught_up() { "yes" } else { "NO" };
        table.row("caught up", caught_up);
        if let Some(last) = self.samples.last() {
            table.row("seconds", format!("{:.2}", last.seconds));
        }
        let rate = self.records_per_second();
        let rate = rate.map_or("unknown".to_owned(), |rate| format!("{rate:.0}"));
        table.row("records/s", rate);
        table.finish()
    }
}
