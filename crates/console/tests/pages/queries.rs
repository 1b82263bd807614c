use crate::expressions::named;
use crate::read;
use serde_json::Value;
use std::collections::BTreeSet;
use understudy_console::{Kind, METRICS, Metric};

/// What Prometheus itself puts on a series.
const OF_THE_SCRAPE: [&str; 3] = ["job", "cluster", "instance"];

fn metric(series: &str) -> Option<&'static Metric> {
    let exact = |name: &str| METRICS.iter().find(|metric| metric.name == name).copied();
    let part = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
        let histogram = exact(series.strip_suffix(part)?)?;
        (histogram.kind == Kind::Histogram).then_some(histogram)
    });
    // A histogram has no series of its own name.
    part.or_else(|| exact(series).filter(|metric| metric.kind != Kind::Histogram))
}

/// What the query names and the binary does not have.
fn strangers(expression: &str) -> Vec<String> {
    let found = named(expression);
    let mut labels: BTreeSet<&str> = OF_THE_SCRAPE.into();
    let mut strangers = Vec::new();
    for (series, matched) in &found.series {
        let Some(metric) = metric(series) else {
            strangers.push(series.clone());
            continue;
        };
        let own = |label: &String| {
            metric.labels.contains(&label.as_str()) || OF_THE_SCRAPE.contains(&label.as_str())
        };
        let unknown = matched.iter().filter(|label| !own(label));
        strangers.extend(unknown.map(|label| format!("{series}{{{label}}}")));
        labels.extend(metric.labels);
        if metric.kind == Kind::Histogram {
            labels.insert("le");
        }
    }
    let grouped = found.groups.iter();
    let unknown = grouped.filter(|label| !labels.contains(label.as_str()));
    strangers.extend(unknown.map(|label| format!("by {label}")));
    strangers
}

/// The expressions of a rules file; each stands behind its `expr:`, on the
/// same line or indented below it.
fn rules() -> Vec<String> {
    let text = read("deploy/prometheus/alerts.yml");
    let mut expressions: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(expression) = line.strip_prefix("expr: ") {
            expressions.push(expression.trim_start_matches('|').to_owned());
            inside = true;
        } else if line.starts_with("for: ") || line.starts_with("labels:") {
            inside = false;
        } else if inside {
            let last = expressions.last_mut().expect("an expression began");
            last.push('\n');
            last.push_str(line);
        }
    }
    expressions
}

fn queries_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_query = name == "expr" || name == "query";
                // The kind of a data source is no query of it.
                let is_query = is_query && value != "prometheus";
                match value.as_str().filter(|_| is_query) {
                    Some(query) => found.push(query.to_owned()),
                    None => queries_in(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries_in(value, found)),
        _ => {}
    }
}

fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/understudy.json")).unwrap();
    let mut found = Vec::new();
    queries_in(&dashboard, &mut found);
    found
}

#[test]
fn every_rule_names_metrics_and_labels_that_there_are() {
    let rules = rules();
    assert!(rules.len() > 15, "{rules:?}");
    for rule in rules {
        assert!(rule.contains("understudy_"), "{rule}");
        assert_eq!(strangers(&rule), Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn every_panel_names_metrics_and_labels_that_there_are() {
    let panels = panels();
    assert!(panels.len() > 25, "{panels:?}");
    for query in panels {
        assert!(query.contains("understudy_"), "{query}");
        assert_eq!(strangers(&query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn strangers_are_seen() {
    for (query, stranger) in [
        ("understudy_no_such_metric", "understudy_no_such_metric"),
        (
            "understudy_wal_fsync_seconds",
            "understudy_wal_fsync_seconds",
        ),
        (
            "understudy_lag_known{stage=\"x\"}",
            "understudy_lag_known{stage}",
        ),
        ("sum by (shard) (understudy_lag_known)", "by shard"),
        ("sum by (le) (understudy_lag_known)", "by le"),
    ] {
        assert_eq!(strangers(query), [stranger], "{query}");
    }
}
