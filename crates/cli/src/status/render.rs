//! The screen of `understudy status`: at most about 25 lines.

mod cluster;
mod table;

use super::judge::streams_with_known_lag;
use super::{NodeAnswer, PairReport};
use crate::format::span;
use cluster::cluster;
use std::fmt::Write;
use table::table;
use understudy_node::status::{StandbyStatus, Status, StreamStatus};

const CERTIFICATE_SOON_SECONDS: i64 = 7 * 86_400;

pub(crate) fn render(report: &PairReport) -> String {
    let mut out = String::new();
    let mut clusters: Vec<_> = report.statuses().map(|status| status.cluster).collect();
    clusters.dedup();
    if clusters.len() > 1 {
        out += "WARNING  the answers come from different clusters: give --endpoint\n";
    }
    if let Some(best) = best_informed(report) {
        cluster(&mut out, best);
    }
    for answer in &report.nodes {
        node(&mut out, report, answer);
    }
    if let Some(primary) = report.primary() {
        silent_standbys(&mut out, report, primary);
    }
    for status in report.statuses() {
        failed_hook(&mut out, status);
        certificates(&mut out, status);
    }
    for status in report.statuses().filter(|status| status.stream.is_some()) {
        promoted_now(&mut out, status);
    }
    if report.statuses().next().is_none() {
        out += "no node answers: is one running? (understudy dev, understudy run)\n";
    }
    out
}

/// Of those that need somebody soon.
fn certificates(out: &mut String, status: &Status) {
    let node = &status.node;
    for certificate in &status.certificates {
        let (name, left) = (&certificate.name, certificate.seconds_left);
        let end = match left {
            ..=0 => format!("EXPIRED {} ago", span(-left as f64)),
            left if left < CERTIFICATE_SOON_SECONDS => format!("expires in {}", span(left as f64)),
            _ => String::new(),
        };
        if !end.is_empty() {
            let _ = writeln!(out, "WARNING  certificate `{name}` of {node} {end}");
        }
        if let Some(problem) = &certificate.problem {
            let _ = writeln!(
                out,
                "WARNING  certificate `{name}` of {node}: changed files are not used: {problem}"
            );
        }
    }
}

fn failed_hook(out: &mut String, status: &Status) {
    if let Some(hook) = &status.last_hook
        && let Some(failure) = &hook.failure
    {
        let (node, name, epoch) = (&status.node, hook.name(), hook.epoch);
        let _ = writeln!(
            out,
            "WARNING  hooks.{name} of {node} failed for epoch {epoch}: {failure}"
        );
    }
}

/// The holder knows its lease best; then whoever saw the highest epoch.
fn best_informed(report: &PairReport) -> Option<&Status> {
    let holder = report.primary();
    holder.or_else(|| {
        report
            .statuses()
            .max_by_key(|status| status.lease.as_ref().map(|lease| lease.epoch))
    })
}

fn node(out: &mut String, report: &PairReport, answer: &NodeAnswer) {
    let Some(status) = &answer.status else {
        let cause = answer.error.as_deref().unwrap_or("unknown");
        let who = unreachable_name(report, &answer.endpoint);
        let _ = writeln!(
            out,
            "{who} NOT REACHABLE at {}   cause: {cause}",
            answer.endpoint
        );
        return;
    };
    match &status.stream {
        Some(stream) => standby(out, status, stream),
        None => {
            let _ = writeln!(
                out,
                "{} {}   up {}",
                status.role.to_uppercase(),
                status.node,
                span(status.uptime_seconds)
            );
            table(out, status);
        }
    }
}

/// An address that does not answer may be the holder's.
fn unreachable_name(report: &PairReport, endpoint: &str) -> String {
    let holder = report.statuses().find_map(|status| {
        let lease = status.lease.as_ref()?;
        (lease.holder_replication.as_deref() == Some(endpoint)).then(|| lease.holder.clone())?
    });
    holder.map_or("NODE".to_owned(), |holder| format!("HOLDER {holder}"))
}

fn standby(out: &mut String, status: &Status, stream: &StreamStatus) {
    let state = match (stream.state.as_str(), stream.connected_seconds) {
        ("streaming", _) => "STREAMING".to_owned(),
        (state, _) => format!("NOT STREAMING ({state})"),
    };
    let _ = write!(
        out,
        "{} {}   {state} from {}",
        status.role.to_uppercase(),
        status.node,
        stream.primary
    );
    if let Some(connected) = stream.connected_seconds {
        let _ = write!(out, "   link up {}", span(connected));
    }
    let heard = stream
        .heartbeat_age_seconds
        .map_or("never".to_owned(), |age| format!("{} ago", span(age)));
    let _ = write!(out, "   heartbeat {heard}");
    if let Some(round_trip) = stream.round_trip_seconds {
        let _ = write!(out, "   rtt {}", span(round_trip));
    }
    out.push('\n');
    if let Some(cause) = stream
        .cause
        .as_ref()
        .filter(|_| stream.state != "streaming")
    {
        let _ = writeln!(out, "  cause: {cause}");
    }
    if !streams_with_known_lag(status) {
        let silence = stream
            .heartbeat_age_seconds
            .map_or("the primary was never heard".to_owned(), |age| {
                format!("at least {} of the primary's activity unseen", span(age))
            });
        let _ = writeln!(out, "  lag: UNKNOWN, {silence}");
    }
    condition(out, stream);
    table(out, status);
}

/// How it does in a word, where that says more than that all is well.
fn condition(out: &mut String, stream: &StreamStatus) {
    let Some(word) = stream.condition.as_deref() else {
        return;
    };
    let _ = match (word, stream.catchup_seconds) {
        ("UP TO DATE" | "UNKNOWN", _) => Ok(()),
        ("CATCHING UP", Some(seconds)) => {
            writeln!(out, "  {word}, about {} to go", span(seconds))
        }
        _ => writeln!(out, "  {word}"),
    };
}

/// Standbys that the primary knows and that did not answer themselves.
fn silent_standbys(out: &mut String, report: &PairReport, primary: &Status) {
    let answered =
        |standby: &&StandbyStatus| report.statuses().any(|status| status.node == standby.node);
    for standby in primary.standbys.iter().filter(|standby| !answered(standby)) {
        let state = if standby.connected { "streams" } else { "AWAY" };
        let heard = standby
            .last_heard_seconds_ago
            .map_or("unknown".to_owned(), |age| format!("{} ago", span(age)));
        let _ = writeln!(
            out,
            "STANDBY {} {state} (as {} sees it)   last heard {heard}{}",
            standby.node,
            primary.node,
            if standby.state_diverged {
                "   state DIVERGED (understudy rebuild)"
            } else {
                ""
            }
        );
    }
    if primary.standbys.is_empty() && report.statuses().all(|status| status.stream.is_none()) {
        *out += "NO STANDBY is known to the primary\n";
    }
}

/// Who may ask for it.
fn failover(status: &Status) -> String {
    match status.hold_off_seconds {
        Some(hold_off) => format!("{} (hold-off {})", status.failover, span(hold_off)),
        None if status.failover.is_empty() => "unknown".to_owned(),
        None => status.failover.clone(),
    }
}

fn promoted_now(out: &mut String, status: &Status) {
    let bound = status
        .loss_bound
        .map_or("unknown".to_owned(), |bound| bound.to_string());
    let _ = writeln!(
        out,
        "IF {} WERE PROMOTED NOW   could lose: {bound}   failover {}",
        status.node,
        failover(status)
    );
}
