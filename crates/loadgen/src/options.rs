use crate::{Endpoint, LoadError, duration::parse_duration};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Which servers, and how long to wait for them.
#[derive(Args, Clone, Debug)]
pub struct TargetOptions {
    /// Servers as host:port, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:2379")]
    pub endpoints: Vec<Endpoint>,
    /// How long a connection may take to open.
    #[arg(long, default_value = "2s", value_parser = parse_duration)]
    pub connect_timeout: Duration,
    /// How long one call may take; after it the outcome is unknown.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub call_timeout: Duration,
}

/// What puts and gets have in common.
#[derive(Args, Clone, Debug)]
pub struct LoadOptions {
    /// Connections, spread over the endpoints.
    #[arg(long, default_value_t = 4)]
    pub connections: u32,
    /// Calls in flight over all connections: the next one starts when one ends.
    #[arg(long, default_value_t = 64)]
    pub in_flight: u32,
    /// How long to measure.
    #[arg(long, default_value = "10s", value_parser = parse_duration, conflicts_with = "count")]
    pub duration: Duration,
    /// Measure this many calls instead of a duration.
    #[arg(long)]
    pub count: Option<u64>,
    /// Load before the measurement, which is not counted; none with --count.
    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    pub warm_up: Duration,
    /// What every key starts with.
    #[arg(long, default_value = "bench/")]
    pub prefix: String,
    /// Length of a key in bytes, the prefix included.
    #[arg(long, default_value_t = 24)]
    pub key_size: usize,
    /// How many different keys there are.
    #[arg(long, default_value_t = 10_000)]
    pub key_space: u64,
    /// Length of a value in bytes.
    #[arg(long, default_value_t = 256)]
    pub value_size: usize,
    /// In which order keys are used.
    #[arg(long, value_enum, default_value_t = KeyOrder::Sequential)]
    pub order: KeyOrder,
    /// Seed of random keys and of the value's bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How far a run with these options is.
    #[arg(skip)]
    pub course: LoadCourse,
}

/// Calls that were begun, for whoever waits for the end. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LoadCourse(Arc<Begun>);

#[derive(Debug, Default)]
struct Begun {
    calls: AtomicU64,
    /// As many as there are to be; 0 where a duration ends the run.
    calls_max: AtomicU64,
}

impl LoadCourse {
    pub(crate) fn begin(&self, calls_max: Option<u64>) {
        self.0.calls.store(0, Ordering::Relaxed);
        let calls_max = calls_max.unwrap_or(0);
        self.0.calls_max.store(calls_max, Ordering::Relaxed);
    }

    /// The number of the next call.
    pub(crate) fn next_call(&self) -> u64 {
        self.0.calls.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Calls that were begun, and that there are to be, where that is known.
    pub fn counted(&self) -> Option<(u64, u64)> {
        let calls_max = self.0.calls_max.load(Ordering::Relaxed);
        (calls_max > 0).then(|| (self.calls().min(calls_max), calls_max))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrder {
    Sequential,
    Random,
}

/// What a get stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Sees every write acknowledged before it.
    Linearizable,
    /// Sees what the asked server has.
    Serializable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Json,
}

impl TargetOptions {
    /// The endpoint of the `index`-th connection or writer.
    pub(crate) fn endpoint(&self, index: usize) -> &Endpoint {
        &self.endpoints[index % self.endpoints.len()]
    }

    pub(crate) fn check(&self) -> Result<(), LoadError> {
        if self.endpoints.is_empty() {
            return Err(LoadError::InvalidOptions(
                "--endpoints names no server".into(),
            ));
        }
        Ok(())
    }
}

impl LoadOptions {
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let refuse = |what: String| Err(LoadError::InvalidOptions(what));
        if self.connections == 0 || self.in_flight < self.connections {
            return refuse(format!(
                "--in-flight {} is less than --connections {} (at least 1): every connection needs a call",
                self.in_flight, self.connections
            ));
        }
        if self.key_space == 0 {
            return refuse("--key-space must be at least 1".into());
        }
        Ok(())
    }
}
