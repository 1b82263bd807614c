use crate::{Rig, Side, load_on, verified};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use understudy_loadgen::{AckedWrites, Recorder, RecorderOptions};

const SAMPLE_EVERY: Duration = Duration::from_millis(5);

/// Acknowledged until `at`, by writer.
#[derive(Clone, Debug)]
struct Sample {
    at: Instant,
    acked: Vec<u64>,
}

/// Writers with a recorder each, whose counts are noted all the time: so it
/// is known when each write was acknowledged.
#[derive(Debug)]
pub struct SampledWriters {
    recorders: Arc<Vec<Recorder>>,
    sampler: JoinHandle<()>,
    samples: Arc<std::sync::Mutex<Vec<Sample>>>,
}

/// What the writers were told, and when.
#[derive(Debug)]
pub struct SampledWrites {
    pub writes: Vec<AckedWrites>,
    samples: Vec<Sample>,
}

/// What is wrong with what a node has of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Findings {
    pub acknowledged: u64,
    pub missing: u64,
    pub doubled: u64,
    /// Altered, moved, foreign, or there although refused.
    pub otherwise_wrong: u64,
    /// The age of the oldest missing acknowledgement at the asked moment.
    pub oldest_missing: Option<Duration>,
}

impl SampledWriters {
    /// Writers that begin at `first` and go on at the other side when it
    /// takes no write.
    pub fn start(rig: &Rig, first: Side, writers: usize) -> SampledWriters {
        let options = RecorderOptions {
            writers: 1,
            ..load_on(rig, &[first, first.other()])
        };
        let start = |_| Recorder::start(&options).expect("a recorder");
        let recorders: Arc<Vec<_>> = Arc::new((0..writers).map(start).collect());
        let samples = Arc::default();
        let sampler = tokio::spawn(sample(Arc::clone(&recorders), Arc::clone(&samples)));
        SampledWriters {
            recorders,
            sampler,
            samples,
        }
    }

    pub fn acked(&self) -> u64 {
        self.recorders.iter().map(Recorder::acked).sum()
    }

    pub async fn stop(self) -> SampledWrites {
        self.sampler.abort();
        // Its end gives the recorders back.
        let _ = self.sampler.await;
        let recorders = Arc::into_inner(self.recorders).expect("the sampler has ended");
        let mut writes = Vec::new();
        for recorder in recorders {
            writes.push(recorder.stop().await);
        }
        let samples = std::mem::take(&mut *self.samples.lock().expect("no panic in the sampler"));
        SampledWrites { writes, samples }
    }
}

async fn sample(recorders: Arc<Vec<Recorder>>, samples: Arc<std::sync::Mutex<Vec<Sample>>>) {
    loop {
        let acked = recorders.iter().map(Recorder::acked).collect();
        let at = Instant::now();
        let sample = Sample { at, acked };
        samples.lock().expect("nobody panics with it").push(sample);
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

impl SampledWrites {
    /// When more than `count` were acknowledged in all, at the latest, and
    /// after `after`.
    pub fn more_than(&self, count: u64, after: Instant) -> Option<Instant> {
        let mut later = self.samples.iter().filter(|sample| sample.at >= after);
        later
            .find(|sample| sample.acked.iter().sum::<u64>() > count)
            .map(|sample| sample.at)
    }

    /// Compares with what `side` has; ages count back from `moment`.
    pub async fn compare(&self, rig: &Rig, side: Side, moment: Instant) -> Findings {
        let mut findings = Findings::default();
        for (writer, writes) in self.writes.iter().enumerate() {
            let verification = verified(rig, writes, side).await;
            findings.acknowledged += writes.counts().acked;
            for (name, violation) in verification.violations() {
                match name {
                    "missing" => findings.missing += violation.count,
                    "doubled" => findings.doubled += violation.count,
                    _ => findings.otherwise_wrong += violation.count,
                }
            }
            let age = crate::missing_number(&verification)
                .and_then(|number| self.acknowledged_at(writer, number))
                .map(|at| moment.saturating_duration_since(at));
            findings.oldest_missing = findings.oldest_missing.max(age);
        }
        findings
    }

    /// The latest moment at which this write can have been acknowledged. A
    /// writer's first failure comes with the primary's end, so before that
    /// its numbers are its counts.
    fn acknowledged_at(&self, writer: usize, number: u64) -> Option<Instant> {
        let mut samples = self.samples.iter();
        samples
            .find(|sample| sample.acked[writer] > number)
            .map(|sample| sample.at)
    }
}
