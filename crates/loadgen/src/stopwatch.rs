use std::time::{Duration, Instant};

/// Time since a start, for measurements only: no lease ever rests on it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    #[allow(
        clippy::disallowed_methods,
        reason = "latencies of a load generator, measured on one machine within one run"
    )]
    pub fn start() -> Self {
        Stopwatch {
            started: Instant::now(),
        }
    }

    pub fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// Nanoseconds since the start, for what is sent along in a value.
    pub fn elapsed_nanos(self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
