//! `understudy quarantine diff`: a tail beside what an endpoint says now.

use super::tail::{Tail, Word};
use crate::diff::readable;
use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::progress::Progress;
use anyhow::{Context, anyhow};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tonic::transport::Channel;
use understudy_loadgen::Endpoint;
use understudy_wire::etcd::etcdserverpb::kv_client::KvClient;
use understudy_wire::etcd::etcdserverpb::{RangeRequest, RangeResponse};

const PATIENCE: Duration = Duration::from_secs(10);

/// Questions under way at once.
const CALLS: usize = 64;

/// What a key of the tail is today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// As the tail left it.
    Same,
    /// The tail put another value.
    Differs,
    /// The tail put it, and there is no such key.
    Missing,
    /// The tail deleted it, and it is there.
    Present,
    /// What the tail made of it depends on the state that it met.
    Open,
}

#[derive(Debug, Serialize)]
struct Finding {
    key: String,
    outcome: Outcome,
    /// What the tail put; absent where it deleted, or it is open.
    tail: Option<String>,
    /// What is there now.
    now: Option<String>,
    mod_revision: Option<i64>,
}

#[derive(Debug, Serialize)]
struct DeletedRange {
    key: String,
    range_end: String,
    keys_now: i64,
}

#[derive(Debug, Serialize)]
struct Report {
    endpoint: String,
    counts: BTreeMap<Outcome, u64>,
    /// All that is not as the tail left it, by key.
    findings: Vec<Finding>,
    deleted_ranges: Vec<DeletedRange>,
    /// Records about leases, or unreadable ones: look with `show`.
    records_not_compared: u64,
}

/// Exit 30 when anything is not as the tail left it, or is open.
pub(super) async fn diff(
    tail: Tail,
    endpoint: &Endpoint,
    output: OutputFormat,
) -> anyhow::Result<Exit> {
    let now = Now::connect(endpoint).await?;
    let progress = Progress::of_count("comparing keys", tail.keys.len() as u64);
    let findings = stream::iter(tail.keys)
        .map(|(key, word)| now.finding(key, word))
        .buffered(CALLS)
        .inspect(|_| progress.add(1));
    let mut findings: Vec<Finding> = findings.try_collect().await?;
    drop(progress);
    let mut counts = BTreeMap::new();
    for finding in &findings {
        *counts.entry(finding.outcome).or_insert(0) += 1;
    }
    findings.retain(|finding| finding.outcome != Outcome::Same);
    let ranges = stream::iter(tail.ranges)
        .map(|(key, range_end)| now.deleted(key, range_end))
        .buffered(CALLS);
    let report = Report {
        endpoint: endpoint.to_string(),
        counts,
        findings,
        deleted_ranges: ranges.try_collect().await?,
        records_not_compared: tail.unseen,
    };
    match output {
        OutputFormat::Json => print_json(&report)?,
        OutputFormat::Text => print(&describe(&report)),
    }
    let is_same = report.findings.is_empty() && report.records_not_compared == 0;
    Ok(if is_same { Exit::Done } else { Exit::Damaged })
}

/// The state as an endpoint tells it, linearizably.
struct Now {
    endpoint: Endpoint,
    client: KvClient<Channel>,
}

impl Now {
    async fn connect(endpoint: &Endpoint) -> anyhow::Result<Now> {
        let server = tonic::transport::Endpoint::from_shared(endpoint.url())?
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE);
        let channel = server.connect().await;
        Ok(Now {
            endpoint: endpoint.clone(),
            client: KvClient::new(channel.with_context(|| endpoint.to_string())?),
        })
    }

    async fn range(&self, request: RangeRequest) -> anyhow::Result<RangeResponse> {
        let response = self.client.clone().range(request).await;
        let response = response.map(tonic::Response::into_inner);
        response.map_err(|status| anyhow!("{}: {}", self.endpoint, status.message()))
    }

    async fn finding(&self, key: Bytes, word: Word) -> anyhow::Result<Finding> {
        let request = RangeRequest {
            key: key.clone(),
            ..RangeRequest::default()
        };
        let pair = self.range(request).await?.kvs.pop();
        let value = pair.as_ref().map(|pair| &pair.value);
        Ok(Finding {
            key: readable(&key),
            outcome: judge(&word, value),
            tail: match &word {
                Word::Put(value) => Some(readable(value)),
                Word::Deleted | Word::Perhaps => None,
            },
            now: value.map(|value| readable(value)),
            mod_revision: pair.as_ref().map(|pair| pair.mod_revision),
        })
    }

    async fn deleted(&self, key: Bytes, range_end: Bytes) -> anyhow::Result<DeletedRange> {
        let request = RangeRequest {
            key: key.clone(),
            range_end: range_end.clone(),
            count_only: true,
            ..RangeRequest::default()
        };
        let keys_now = self.range(request).await?.count;
        let (key, range_end) = (readable(&key), readable(&range_end));
        Ok(DeletedRange {
            key,
            range_end,
            keys_now,
        })
    }
}

fn judge(word: &Word, now: Option<&Bytes>) -> Outcome {
    match (word, now) {
        (Word::Perhaps, _) => Outcome::Open,
        (Word::Put(tail), Some(now)) if tail == now => Outcome::Same,
        (Word::Put(_), Some(_)) => Outcome::Differs,
        (Word::Put(_), None) => Outcome::Missing,
        (Word::Deleted, Some(_)) => Outcome::Present,
        (Word::Deleted, None) => Outcome::Same,
    }
}

fn describe(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let tail = finding.tail.as_deref();
        let now = finding.now.as_deref().unwrap_or("absent");
        out += &match finding.outcome {
            Outcome::Open => format!("  {}  open, now {now}\n", finding.key),
            Outcome::Present => format!("  {}  deleted in the tail, now {now}\n", finding.key),
            _ => format!(
                "  {}  {} in the tail, now {now}\n",
                finding.key,
                tail.unwrap_or("absent")
            ),
        };
    }
    for range in &report.deleted_ranges {
        let DeletedRange {
            key,
            range_end,
            keys_now,
        } = range;
        out += &format!("  {key} up to {range_end}  deleted in the tail, now {keys_now} keys\n");
    }
    if report.records_not_compared > 0 {
        out += &format!(
            "  {} records about leases or unreadable: look with `quarantine show`\n",
            grouped(report.records_not_compared)
        );
    }
    let count = |outcome| grouped(report.counts.get(&outcome).copied().unwrap_or(0));
    out += &format!(
        "at {}: {} keys as the tail left them, {} differ, {} missing, {} present though deleted, {} open",
        report.endpoint,
        count(Outcome::Same),
        count(Outcome::Differs),
        count(Outcome::Missing),
        count(Outcome::Present),
        count(Outcome::Open),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Word, judge};
    use bytes::Bytes;

    #[test]
    fn each_word_is_held_against_what_is_there() {
        let (one, two) = (Bytes::from("1"), Bytes::from("2"));
        let put = Word::Put(one.clone());
        assert_eq!(judge(&put, Some(&one)), Outcome::Same);
        assert_eq!(judge(&put, Some(&two)), Outcome::Differs);
        assert_eq!(judge(&put, None), Outcome::Missing);
        assert_eq!(judge(&Word::Deleted, Some(&one)), Outcome::Present);
        assert_eq!(judge(&Word::Deleted, None), Outcome::Same);
        assert_eq!(judge(&Word::Perhaps, None), Outcome::Open);
    }
}
