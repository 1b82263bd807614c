//! `understudy log verify`: every batch and the chain.

use super::{open_stopped, shards};
use crate::exit::Exit;
use crate::format::{grouped, print};
use std::path::Path;
use understudy_log::{LogError, VerifyReport, verify};
use understudy_types::ShardName;

pub(super) fn verify_all(data: &Path) -> anyhow::Result<Exit> {
    let (_lock, disk, identity) = open_stopped(data)?;
    print(&format!(
        "node {} of cluster {}",
        identity.node, identity.cluster
    ));
    let mut exit = Exit::Done;
    for shard in shards(&disk)? {
        match verify(&disk, identity.cluster, &shard) {
            Ok(report) => print(&sound(&shard, &report)),
            Err(LogError::Damaged(damage)) => {
                print(&format!("shard {shard}: DAMAGED: {damage}"));
                exit = Exit::Damaged;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(exit)
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
