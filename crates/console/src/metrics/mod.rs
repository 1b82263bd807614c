//! Prometheus' text or OpenMetrics, computed from one status at the moment of
//! the scrape.

mod form;
mod samples;
mod table;

pub use form::Form;
pub use table::{ALL, Kind, Metric};

use samples::{Sample, Value, samples};
use std::fmt::Write;
use understudy_node::Scrape;
use understudy_node::meters::Times;

/// The exposition of one node. A metric without a known value has no line.
pub fn render(scrape: &Scrape, form: Form) -> String {
    let samples = samples(scrape);
    let mut out = String::new();
    for metric in ALL {
        let own: Vec<&Sample> = samples
            .iter()
            .filter(|sample| sample.metric.name == metric.name)
            .collect();
        if own.is_empty() {
            continue;
        }
        let family = family(metric, form);
        let _ = writeln!(out, "# HELP {family} {}", metric.help);
        let _ = writeln!(out, "# TYPE {family} {}", metric.kind.word());
        for sample in own {
            match &sample.value {
                Value::Number(value) => line(&mut out, metric.name, &sample.labels, *value),
                Value::Times(times) => histogram(&mut out, sample, times),
            }
        }
    }
    if form == Form::OpenMetrics {
        out += "# EOF\n";
    }
    out
}

/// A counter's ending is of its samples only, for OpenMetrics.
fn family(metric: &Metric, form: Form) -> &'static str {
    match (form, metric.kind) {
        (Form::OpenMetrics, Kind::Counter) => metric.name.trim_end_matches("_total"),
        _ => metric.name,
    }
}

fn line(out: &mut String, name: &str, pairs: &[(&'static str, String)], value: f64) {
    let _ = writeln!(out, "{name}{} {}", labels(pairs), number(value));
}

fn histogram(out: &mut String, sample: &Sample, times: &Times) {
    let name = sample.metric.name;
    let bucket = format!("{name}_bucket");
    let bounds = times
        .within
        .iter()
        .map(|(bound, count)| (format!("{:?}", bound.as_secs_f64()), *count));
    for (bound, count) in bounds.chain([("+Inf".to_owned(), times.count)]) {
        let mut pairs = sample.labels.clone();
        pairs.push(("le", bound));
        line(out, &bucket, &pairs, count as f64);
    }
    let (sum, count) = (format!("{name}_sum"), format!("{name}_count"));
    line(out, &sum, &sample.labels, times.total.as_secs_f64());
    line(out, &count, &sample.labels, times.count as f64);
}

/// Label values are names of nodes, shards and states: nothing to escape,
/// except in the version.
fn labels(pairs: &[(&'static str, String)]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = pairs
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
