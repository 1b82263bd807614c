//! The screen of `understudy status`: at most about 25 lines.

use super::judge::streams_with_known_lag;
use super::{NodeAnswer, PairReport};
use crate::format::{grouped, span};
use std::fmt::Write;
use understudy_node::status::{ShardStatus, StandbyStatus, StateStatus, Status, StreamStatus};
use understudy_protocol::AckPolicy;
use understudy_protocol::control::AckHome;
use understudy_types::{ByteCount, Position};

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

fn policy(policy: AckPolicy) -> &'static str {
    match policy {
        AckPolicy::Local => "local",
        AckPolicy::Replicated => "replicated",
    }
}

fn cluster(out: &mut String, status: &Status) {
    let _ = write!(out, "CLUSTER {}", status.cluster_name);
    let Some(lease) = &status.lease else {
        let _ = writeln!(out, "   lease UNKNOWN: {} has not read it yet", status.node);
        return;
    };
    let holder = lease.holder_name();
    let role = if lease.state == "held" {
        "primary"
    } else {
        "holder"
    };
    let _ = write!(
        out,
        "   epoch {}   {role} {holder}   lease {}",
        lease.epoch, lease.state
    );
    match lease.remaining_seconds {
        Some(left) if left > 0.0 => {
            let _ = write!(
                out,
                " (ok for {}, ttl {})",
                span(left),
                span(lease.ttl_seconds)
            );
        }
        Some(left) => {
            let _ = write!(out, " (LAPSED {} ago)", span(-left));
        }
        None => {
            let _ = write!(
                out,
                " (unchanged for {}, ttl {})",
                span(lease.seen_seconds_ago),
                span(lease.ttl_seconds)
            );
        }
    }
    let _ = write!(out, "   policy {}", policy(lease.ack_policy));
    if lease.ack_policy == AckPolicy::Replicated {
        let names: Vec<String> = lease.in_sync.iter().map(ToString::to_string).collect();
        match names.is_empty() {
            true => *out += nobody_in_sync(lease.ack_home),
            false => {
                let _ = write!(out, "   in sync: {}", names.join(", "));
            }
        }
    }
    out.push('\n');
    if let Some(mark) = &lease.without_store {
        let _ = writeln!(
            out,
            "WARNING  THE OBJECT STORE IS GIVEN UP, by {} ({}; evidence: {}): all that is acknowledged\n\
             \x20        is on this machine alone, and no standby can follow, until `understudy store adopt`",
            mark.by, mark.reason, mark.fenced_by
        );
    }
    if let Some(epoch) = lease.unacknowledged_epoch {
        let _ = writeln!(
            out,
            "WARNING  epoch {epoch} was taken by an automatic failover: no other happens until understudy acknowledge --expect-epoch {}",
            lease.epoch
        );
    }
    if status.failsafe == "on" {
        *out += match status.goes_on_by_word {
            true => {
                " FAILSAFE: the store is silent; goes on by the word of all that could take over\n"
            }
            false => " failsafe on\n",
        };
    }
    if let Some(maintenance) = &status.maintenance {
        let _ = writeln!(
            out,
            " MAINTENANCE: {} refuses writes, by {}: {}",
            status.node, maintenance.by, maintenance.reason
        );
    }
    if let Some(to) = &lease.handover_to {
        let _ = writeln!(out, " HANDING OVER to {to}");
    }
}

fn nobody_in_sync(home: Option<AckHome>) -> &'static str {
    match home {
        Some(AckHome::Store) => "   NOBODY IN SYNC: acknowledged writes rest in the object store",
        _ => "   NOBODY IN SYNC",
    }
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

fn table(out: &mut String, status: &Status) {
    let follows = status.stream.is_some();
    let _ = writeln!(
        out,
        "  {:<12}{:>16}{:>16}{:>16}{:>12}{:>12}{:>12}  chain",
        "shard",
        if follows { "primary" } else { "clients" },
        "flushed",
        "applied",
        if follows { "lag rec" } else { "" },
        if follows { "lag bytes" } else { "" },
        if follows { "lag time" } else { "" },
    );
    for (name, shard) in &status.shards {
        let [first, records, bytes, time] = match follows {
            true => behind(status, shard),
            false => [
                shard.client_address.clone(),
                String::new(),
                String::new(),
                String::new(),
            ],
        };
        let applied = shard.applied.map_or("–".to_owned(), grouped);
        let _ = writeln!(
            out,
            "  {:<12}{first:>16}{:>16}{applied:>16}{records:>12}{bytes:>12}{time:>12}  {}",
            name.as_str(),
            lsn(shard.flushed),
            chain(shard),
        );
        if let Some(state) = &shard.state {
            let _ = writeln!(out, "  {:<12}state: {}", "", compared(state));
        }
        if let Some(slots) = shard.slots {
            let _ = writeln!(
                out,
                "  {:<12}{} slots in the object store",
                "",
                grouped(slots)
            );
        }
        let scrub = shard.scrub.as_ref();
        if let Some(damage) = scrub.and_then(|scrub| scrub.damage.as_ref()) {
            let _ = writeln!(out, "  {:<12}log: DAMAGED: {damage}", "");
        }
        if shard.quarantined_records > 0 {
            let _ = writeln!(
                out,
                "  {:<12}{} records in quarantine (understudy quarantine list)",
                "",
                grouped(shard.quarantined_records)
            );
        }
    }
}

/// Whether the state is the primary's, and when that was found.
fn compared(state: &StateStatus) -> String {
    let found = state.lsn.zip(state.seconds_ago);
    match (state.outcome.as_str(), found) {
        ("equal", Some((lsn, ago))) => {
            format!("equal at LSN {}, {} ago", grouped(lsn), span(ago))
        }
        ("diverged", Some((lsn, ago))) => format!(
            "DIVERGED at LSN {}, {} ago: here {}, primary {} (understudy diff, understudy rebuild)",
            grouped(lsn),
            span(ago),
            short(state.digest.as_deref()),
            short(state.primary_digest.as_deref()),
        ),
        _ if state.not_comparable > 0 => format!(
            "UNKNOWN, {} digests of the primary could not be compared",
            grouped(state.not_comparable)
        ),
        _ => "UNKNOWN, not compared with the primary's yet".to_owned(),
    }
}

fn short(digest: Option<&str>) -> &str {
    let digest = digest.unwrap_or("unknown");
    digest.get(..8).unwrap_or(digest)
}

/// Primary's position, and the lag in records, bytes and seconds; a lower
/// bound while the stream is down.
fn behind(status: &Status, shard: &ShardStatus) -> [String; 4] {
    let primary = shard.primary.as_ref();
    let first = primary.map_or("unknown".to_owned(), |primary| lsn(primary.flushed));
    let Some(lag) = &shard.lag else {
        return [
            first,
            "unknown".to_owned(),
            "unknown".to_owned(),
            "unknown".to_owned(),
        ];
    };
    let stream = status.stream.as_ref();
    let streams = stream.is_some_and(|stream| stream.state == "streaming");
    let least = if lag.known && streams { "" } else { "≥ " };
    [
        first,
        format!(
            "{least}{}",
            grouped(lag.records_applied.max(lag.records_flushed))
        ),
        format!("{least}{}", ByteCount(lag.bytes_flushed)),
        format!("{least}{:.2} s", lag.seconds),
    ]
}

fn lsn(position: Option<Position>) -> String {
    position.map_or("–".to_owned(), |position| grouped(position.lsn.get()))
}

/// `✓` only when the very positions are equal.
fn chain(shard: &ShardStatus) -> String {
    let Some(here) = shard.flushed else {
        return "–".to_owned();
    };
    let there = shard.primary.as_ref().and_then(|primary| primary.flushed);
    match there {
        Some(there) if there == here => format!("✓ {}", here.hash.short()),
        Some(there) if there.lsn == here.lsn => format!("DIVERGED {}", here.hash.short()),
        _ => here.hash.short(),
    }
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
