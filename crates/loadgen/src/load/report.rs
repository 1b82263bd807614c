use super::run::Outcome;
use crate::bench::Report;
use crate::table::{Table, counts};
use crate::{Consistency, KeyOrder, LatencySummary, LoadOptions, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a measurement of puts or gets found.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    pub what: &'static str,
    pub connections: u32,
    pub in_flight: u32,
    pub key_bytes: usize,
    pub value_bytes: usize,
    pub key_space: u64,
    pub order: KeyOrder,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// From the end of the warm-up to the last answer.
    pub seconds: f64,
    /// Calls that succeeded.
    pub operations: u64,
    pub operations_per_second: f64,
    /// Gets that found no key.
    pub absent: u64,
    /// Of the calls that succeeded.
    pub latency: Option<LatencySummary>,
    /// Calls that failed, by kind: a gRPC code, or what happened instead.
    pub errors: BTreeMap<&'static str, u64>,
}

impl LoadReport {
    pub(super) fn new(
        what: &'static str,
        load: &LoadOptions,
        consistency: Option<Consistency>,
        outcome: Outcome,
    ) -> Self {
        let seconds = outcome.measured.as_secs_f64();
        LoadReport {
            what,
            connections: load.connections,
            in_flight: load.in_flight,
            key_bytes: load.key_size,
            value_bytes: load.value_size,
            key_space: load.key_space,
            order: load.order,
            consistency,
            seconds,
            operations: outcome.tally.operations,
            operations_per_second: outcome.tally.operations as f64 / seconds.max(1e-9),
            absent: outcome.tally.absent,
            latency: outcome.tally.latency.summary(),
            errors: outcome.tally.errors,
        }
    }
}

impl Report for LoadReport {
    /// Passed: every call succeeded, and there was one.
    fn verdict(&self) -> Verdict {
        if self.operations > 0 && self.errors.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }

    fn to_table(&self) -> String {
        let mut table = Table::titled(&format!(
            "{}: {} in flight over {} connections, keys of {} B out of {}, values of {} B",
            self.what,
            self.in_flight,
            self.connections,
            self.key_bytes,
            self.key_space,
            self.value_bytes
        ));
        table.row("operations", self.operations);
        table.row("seconds", format!("{:.2}", self.seconds));
        table.row("per second", format!("{:.0}", self.operations_per_second));
        table.row("latency", LatencySummary::one_line(self.latency.as_ref()));
        if self.absent > 0 {
            table.row("keys not found", self.absent);
        }
        table.row("errors", counts(&self.errors));
        table.finish()
    }
}
