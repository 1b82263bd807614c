use crate::Latency;
use crate::call::CallFailure;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one connection counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) operations: u64,
    /// Gets that found no key.
    pub(super) absent: u64,
    pub(super) latency: Latency,
    pub(super) errors: BTreeMap<&'static str, u64>,
}

/// What a call that succeeded found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Key,
    Nothing,
}

impl Tally {
    pub(super) fn record(&mut self, result: &Result<Found, CallFailure>, latency: Duration) {
        match result {
            Ok(found) => {
                self.operations += 1;
                self.absent += u64::from(*found == Found::Nothing);
                self.latency.record(latency);
            }
            Err(failure) => *self.errors.entry(failure.kind()).or_default() += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Tally) {
        let Tally {
            operations,
            absent,
            latency,
            errors,
        } = other;
        self.operations += operations;
        self.absent += absent;
        self.latency.add(latency);
        for (kind, count) in errors {
            *self.errors.entry(kind).or_default() += count;
        }
    }
}
