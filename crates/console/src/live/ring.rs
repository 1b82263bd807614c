use super::sample::{FIELDS, Row, Sample};
use serde::Serialize;
use std::collections::VecDeque;
use std::time::Duration;
use understudy_types::BootTime;

/// Kept one by one.
const FINE_MAX: usize = 900;
/// Older ones are kept as the worst of so much time …
const COARSE_STEP: Duration = Duration::from_secs(15);
/// … for six hours.
const COARSE_MAX: usize = 1440;

/// The lag of the last hours, in bounded memory: about a second apart for a
/// quarter of an hour, then the worst of each quarter of a minute.
#[derive(Debug, Default)]
pub(crate) struct LagRing {
    fine: VecDeque<Sample>,
    coarse: VecDeque<Sample>,
    /// What is being gathered for `coarse`, with the moment of its first.
    gathering: Option<(BootTime, Sample)>,
}

#[derive(Serialize)]
pub(crate) struct Report {
    fields: [&'static str; FIELDS.len()],
    /// A longer time between two samples is a gap: nothing was sampled.
    gap_seconds: f64,
    samples: Vec<Row>,
}

impl LagRing {
    pub(crate) fn note(&mut self, sample: Sample) {
        self.fine.push_back(sample);
        if self.fine.len() > FINE_MAX
            && let Some(oldest) = self.fine.pop_front()
        {
            self.thin(oldest);
        }
    }

    fn thin(&mut self, sample: Sample) {
        let (began, gathered) = match self.gathering.take() {
            None => (sample.at, sample),
            Some((began, gathered)) if sample.at.since(began) < COARSE_STEP => {
                (began, gathered.worst(&sample))
            }
            Some((_, gathered)) => {
                if self.coarse.len() == COARSE_MAX {
                    self.coarse.pop_front();
                }
                self.coarse.push_back(gathered);
                (sample.at, sample)
            }
        };
        self.gathering = Some((began, gathered));
    }

    pub(crate) fn report(&self, now: BootTime) -> Report {
        let gathered = self.gathering.as_ref().map(|(_, sample)| sample);
        let samples = self.coarse.iter().chain(gathered).chain(&self.fine);
        Report {
            fields: FIELDS,
            gap_seconds: 2.0 * COARSE_STEP.as_secs_f64(),
            samples: samples.map(|sample| sample.row(now)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COARSE_MAX, FINE_MAX, LagRing};
    use crate::live::sample::{Behind, Sample};
    use understudy_types::BootTime;

    fn sample(second: u64) -> Sample {
        Sample {
            at: BootTime::from_nanos(second * 1_000_000_000),
            known: second != 7,
            behind: Behind {
                flushed: Some(second % 10),
                ..Behind::default()
            },
            log_records: second,
            log_bytes: second,
        }
    }

    fn filled(seconds: u64) -> LagRing {
        let mut ring = LagRing::default();
        (0..seconds).for_each(|second| ring.note(sample(second)));
        ring
    }

    #[test]
    fn old_samples_become_the_worst_of_a_quarter_of_a_minute() {
        let ring = filled(FINE_MAX as u64 + 16);
        let thinned = ring
            .coarse
            .front()
            .expect("a quarter of a minute has passed");
        assert_eq!(thinned.behind.flushed, Some(9));
        assert!(!thinned.known, "one of them was unknown");
        assert_eq!(thinned.log_records, 14, "counters are the latest");
        let next = &ring.gathering.as_ref().expect("one more").1;
        assert!(next.known);
    }

    #[test]
    fn memory_is_bounded_whatever_the_time() {
        let ring = filled(FINE_MAX as u64 + (COARSE_MAX as u64 + 5) * 15);
        assert_eq!(ring.fine.len(), FINE_MAX);
        assert_eq!(ring.coarse.len(), COARSE_MAX);
    }

    #[test]
    fn report_is_in_the_order_of_time_and_marks_what_is_unknown() {
        let now = BootTime::from_nanos(2_000_000_000_000);
        let report = serde_json::to_value(filled(1500).report(now)).unwrap();
        let rows = report["samples"].as_array().unwrap();
        let ages: Vec<f64> = rows.iter().map(|row| row[0].as_f64().unwrap()).collect();
        assert!(ages.is_sorted_by(|one, two| one > two), "{ages:?}");
        assert_eq!(rows[0][1], false);
        assert_eq!(rows.last().unwrap()[3], 9);
        assert!(rows[0][2].is_null(), "what was not known is no zero");
    }
}
