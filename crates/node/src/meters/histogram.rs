use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds: 1, 2.5 and 5 of each decade from 100 µs.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// How often something took how long. Noting costs three additions.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// The last one is for what exceeded every bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    pub(crate) fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn times(&self) -> Times {
        let mut count = 0;
        let within = BOUNDS.iter().zip(&self.buckets).map(|(bound, bucket)| {
            count += bucket.load(Ordering::Relaxed);
            (Duration::from_micros(*bound), count)
        });
        let within = within.collect();
        let beyond = self.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        Times {
            within,
            count: count + beyond,
            total: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}

/// A histogram at one moment.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// Ascending: how many took at most so long.
    pub within: Vec<(Duration, u64)>,
    pub count: u64,
    pub total: Duration,
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use std::time::Duration;

    #[test]
    fn each_time_counts_in_every_bucket_that_it_is_within() {
        let histogram = Histogram::default();
        for micros in [1, 100, 101, 9_000_000, 60_000_000] {
            histogram.note(Duration::from_micros(micros));
        }
        let times = histogram.times();
        assert_eq!(times.within[0], (Duration::from_micros(100), 2));
        assert_eq!(times.within[1], (Duration::from_micros(250), 3));
        assert_eq!(times.within.last(), Some(&(Duration::from_secs(10), 4)));
        assert_eq!(times.count, 5);
        assert_eq!(times.total, Duration::from_micros(69_000_202));
    }
}
