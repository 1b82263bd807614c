//! A node's shards, a line each, and what is to be said of one.

use crate::format::{grouped, span};
use std::fmt::Write;
use understudy_node::status::{ShardStatus, StateStatus, Status};
use understudy_types::{ByteCount, Position};

pub(super) fn table(out: &mut String, status: &Status) {
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
        if let Some(remaking) = &shard.remaking {
            let _ = writeln!(
                out,
                "  {:<12}state: is made anew, {} of {} records are in it",
                "",
                grouped(remaking.records_done),
                grouped(remaking.records_total),
            );
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
