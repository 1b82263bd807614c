use crate::table;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

const NANOS_MIN: u64 = 1_000;
const NANOS_MAX: u64 = 120_000_000_000;
const DIGITS: u8 = 3;

/// Latencies from 1 µs to 2 minutes with three digits; what lies outside
/// counts as the nearest of the two.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
}

/// Microseconds. Absent where nothing was measured: never 0 for "unknown".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LatencySummary {
    pub p50_micros: u64,
    pub p90_micros: u64,
    pub p99_micros: u64,
    pub p99_9_micros: u64,
    pub max_micros: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency {
            histogram: Histogram::new_with_bounds(NANOS_MIN, NANOS_MAX, DIGITS)
                .expect("the bounds are constants that the histogram accepts"),
        }
    }
}

impl Latency {
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos);
    }

    pub fn add(&mut self, other: &Latency) {
        self.histogram
            .add(&other.histogram)
            .expect("all histograms have the same bounds");
    }

    pub fn summary(&self) -> Option<LatencySummary> {
        if self.histogram.is_empty() {
            return None;
        }
        let micros = |quantile| self.histogram.value_at_quantile(quantile) / 1_000;
        Some(LatencySummary {
            p50_micros: micros(0.5),
            p90_micros: micros(0.9),
            p99_micros: micros(0.99),
            p99_9_micros: micros(0.999),
            max_micros: self.histogram.max() / 1_000,
        })
    }
}

impl LatencySummary {
    pub(crate) fn one_line(summary: Option<&LatencySummary>) -> String {
        let Some(summary) = summary else {
            return "nothing measured".to_owned();
        };
        format!(
            "p50 {}  p90 {}  p99 {}  p99.9 {}  max {}",
            table::micros(summary.p50_micros),
            table::micros(summary.p90_micros),
            table::micros(summary.p99_micros),
            table::micros(summary.p99_9_micros),
            table::micros(summary.max_micros),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_has_no_summary() {
        assert_eq!(Latency::default().summary(), None);
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut latency = Latency::default();
        for millis in 1..=1000 {
            latency.record(Duration::from_millis(millis));
        }
        let summary = latency.summary().unwrap();
        for (found, expected) in [
            (summary.p50_micros, 500_000),
            (summary.p90_micros, 900_000),
            (summary.p99_micros, 990_000),
            (summary.p99_9_micros, 999_000),
            (summary.max_micros, 1_000_000),
        ] {
            assert!(
                found.abs_diff(expected) <= expected / 1000 + 1,
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn outliers_saturate_and_parts_add_up() {
        let mut all = Latency::default();
        let mut part = Latency::default();
        part.record(Duration::from_secs(3600));
        part.record(Duration::ZERO);
        all.add(&part);
        let summary = all.summary().unwrap();
        assert!(summary.max_micros >= 119_000_000);
        assert!(summary.p50_micros <= 1);
    }
}
