//! `understudy audit`: what was done with the cluster, from its log.

use crate::admin::{self, DEFAULT_ENDPOINTS};
use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::log::{open_stopped, shards, walk};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use understudy_log::Record;
use understudy_node::audit::AuditAct;

/// Lists what operators did, and what nodes decided for them: promotions with
/// what was overridden, refused requests, quarantined records, rebuilt states,
/// repairs, changes of the configuration. Each is a record of the first
/// shard's log, in the chain and on every standby.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// A node's replication address; the first that answers is asked.
    #[arg(long, value_name = "HOST:PORT", default_values_t = DEFAULT_ENDPOINTS.map(str::to_owned))]
    endpoint: Vec<String>,
    /// The data root of a node that is not running, instead.
    #[arg(long, value_name = "DIR", conflicts_with = "endpoint")]
    data: Option<PathBuf>,
    /// Only from this Lsn on.
    #[arg(
        long,
        value_name = "LSN",
        default_value_t = 1,
        hide_default_value = true
    )]
    since: u64,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// An act with its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entry {
    pub(crate) lsn: u64,
    pub(crate) epoch: u64,
    #[serde(flatten)]
    pub(crate) act: AuditAct,
}

pub(crate) async fn audit(args: AuditArgs) -> anyhow::Result<Exit> {
    let entries = match &args.data {
        Some(data) => from_root(data, args.since)?,
        None => from_node(&args).await?,
    };
    let entries = each_once(entries);
    match args.output {
        OutputFormat::Json => print_json(&entries)?,
        OutputFormat::Text if entries.is_empty() => print("nothing was audited"),
        OutputFormat::Text => entries.iter().for_each(|entry| print(&line(entry))),
    }
    Ok(Exit::Done)
}

async fn from_node(args: &AuditArgs) -> anyhow::Result<Vec<Entry>> {
    let mut causes = Vec::new();
    for address in &args.endpoint {
        match admin::audit_records(address, args.since).await {
            Ok(records) => {
                let entries = records.into_iter();
                return Ok(entries
                    .filter_map(|(lsn, epoch, body)| entry(lsn, epoch, &body))
                    .collect());
            }
            Err(cause) => causes.push(format!("{address}: {cause}")),
        }
    }
    anyhow::bail!("no node answers: {}", causes.join("; "))
}

/// Walks the whole log, and verifies it on the way.
fn from_root(data: &Path, since: u64) -> anyhow::Result<Vec<Entry>> {
    let (_lock, disk, identity) = open_stopped(data)?;
    let Some(shard) = shards(&disk)?.into_iter().min() else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    walk(&disk, data, identity.cluster, &shard, &mut |batch| {
        for (lsn, record) in batch.records() {
            if let Record::Audit(body) = record
                && lsn.get() >= since
            {
                entries.extend(entry(lsn.get(), batch.epoch().get(), &body));
            }
        }
    })?;
    Ok(entries)
}

fn entry(lsn: u64, epoch: u64, body: &[u8]) -> Option<Entry> {
    let act = AuditAct::decode(body);
    if act.is_none() {
        eprintln!("record {lsn} is an audit record that this version cannot read");
    }
    act.map(|act| Entry { lsn, epoch, act })
}

/// An act that was written twice counts where it was written first.
fn each_once(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let first = |entry: &Entry| seen.insert(*entry.act.id.as_bytes());
    entries.into_iter().filter(first).collect()
}

fn line(entry: &Entry) -> String {
    let Entry { lsn, epoch, act } = entry;
    let seconds = act.wall_millis / 1000;
    let time = humantime(seconds);
    let mut out = format!(
        "{:>12}  epoch {epoch}  {time}  {}  on {}  by {}",
        grouped(*lsn),
        act.act,
        act.node,
        if act.by.is_empty() {
            "unknown"
        } else {
            &act.by
        },
    );
    for (field, value) in act.facts.as_object().into_iter().flatten() {
        let told = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) if text.is_empty() => continue,
            serde_json::Value::Array(items) if items.is_empty() => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        out += &format!("\n                {field}: {told}");
    }
    out
}

/// Seconds since 1970 as a date in UTC: `2026-11-21 15:04:05Z`.
fn humantime(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        rest / 3600,
        rest % 3600 / 60,
        rest % 60
    )
}

/// Howard Hinnant's `civil_from_days`, for days from 1970 on.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Entry, each_once, humantime, line};
    use serde_json::json;
    use understudy_node::audit::AuditAct;
    use understudy_types::Nonce;

    fn entry(lsn: u64, id: u8) -> Entry {
        Entry {
            lsn,
            epoch: 2,
            act: AuditAct {
                format: AuditAct::FORMAT,
                id: Nonce::from_bytes([id; 16]),
                act: "promoted".to_owned(),
                node: "bravo".parse().unwrap(),
                by: "kim@ops1".to_owned(),
                wall_millis: 1_700_000_000_000,
                facts: json!({ "mode": "failover", "reason": "", "overrides": [] }),
            },
        }
    }

    #[test]
    fn act_that_was_written_twice_is_listed_once() {
        let entries = each_once(vec![entry(4, 1), entry(6, 2), entry(9, 1)]);
        assert_eq!(entries, [entry(4, 1), entry(6, 2)]);
    }

    #[test]
    fn line_says_who_did_what_where_and_when() {
        assert_eq!(
            line(&entry(1234, 1)),
            "       1 234  epoch 2  2023-11-14 22:13:20Z  promoted  on bravo  by kim@ops1\n                mode: failover"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(humantime(0), "1970-01-01 00:00:00Z");
        assert_eq!(humantime(951_782_399), "2000-02-28 23:59:59Z");
        assert_eq!(humantime(951_782_400), "2000-02-29 00:00:00Z");
        assert_eq!(humantime(4_102_444_799), "2099-12-31 23:59:59Z");
    }
}
