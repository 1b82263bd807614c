//! `understudy log verify`: every batch and the chain.

use super::{open_stopped, shards, walk};
use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use serde_json::{Value, json};
use std::path::Path;
use understudy_log::{LogError, VerifyReport};
use understudy_types::ShardName;

pub(super) fn verify_all(data: &Path, output: OutputFormat) -> anyhow::Result<Exit> {
    let (_lock, disk, identity) = open_stopped(data)?;
    if output == OutputFormat::Text {
        print(&format!(
            "node {} of cluster {}",
            identity.node, identity.cluster
        ));
    }
    let mut exit = Exit::Done;
    let mut told = Vec::new();
    for shard in shards(&disk)? {
        let (text, fact) = match walk(&disk, data, identity.cluster, &shard, &mut |_| {}) {
            Ok(report) => (sound(&shard, &report), fact(&shard, &report)),
            Err(LogError::Damaged(damage)) => {
                exit = Exit::Damaged;
                let text = format!("shard {shard}: DAMAGED: {damage}");
                (
                    text,
                    json!({ "shard": shard, "damage": damage.to_string() }),
                )
            }
            Err(error) => return Err(error.into()),
        };
        if output == OutputFormat::Text {
            print(&text);
        }
        told.push(fact);
    }
    if output == OutputFormat::Json {
        print_json(&json!({ "node": identity.node, "cluster": identity.cluster, "shards": told }))?;
    }
    Ok(exit)
}

/// As [`sound`], for programs.
pub(super) fn fact(shard: &ShardName, report: &VerifyReport) -> Value {
    let torn = report.torn_tail.as_ref();
    json!({
        "shard": shard, "damage": null, "head": report.head, "records": report.records,
        "batches": report.batches, "bytes": report.bytes.get(), "segments": report.segments,
        "torn_bytes": torn.map(|tail| tail.bytes.to_string()),
    })
}

pub(super) fn sound(shard: &ShardName, report: &VerifyReport) -> String {
    let head = report.head.map_or("empty".to_owned(), |head| {
        format!("head {} chain {}", grouped(head.lsn.get()), head.hash)
    });
    let torn = report.torn_tail.as_ref().map_or(String::new(), |tail| {
        format!(
            "\n  a torn write of {} B at the end of {} (offset {}) will be cut at the next start",
            tail.bytes, tail.file, tail.offset
        )
    });
    format!(
        "shard {shard}: ok, {head}\n  {} records in {} batches, {} in {} segments{torn}",
        grouped(report.records),
        grouped(report.batches),
        report.bytes,
        report.segments,
    )
}
