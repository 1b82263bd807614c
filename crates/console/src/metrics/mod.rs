//! Prometheus text, computed from one status at the moment of the scrape.

mod samples;
mod table;

pub use table::{ALL, Kind, Metric};

use samples::{Sample, samples};
use std::fmt::Write;
use understudy_node::status::Status;

/// The exposition of one node. A metric without a known value has no line.
pub fn render(status: &Status, is_primary: bool) -> String {
    let samples = samples(status, is_primary);
    let mut out = String::new();
    for metric in ALL {
        let own: Vec<&Sample> = samples
            .iter()
            .filter(|sample| sample.metric.name == metric.name)
            .collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(out, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(out, "# TYPE {} {}", metric.name, metric.kind.word());
        for sample in own {
            let _ = writeln!(
                out,
                "{}{} {}",
                metric.name,
                labels(sample),
                number(sample.value)
            );
        }
    }
    out
}

/// Label values are names of nodes, shards and states: nothing to escape,
/// except in the version.
fn labels(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = sample
        .labels
        .iter()
        .map(|(name, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        let sign = if value > 0.0 { "+" } else { "-" };
        return format!("{sign}Inf");
    }
    format!("{value}")
}
