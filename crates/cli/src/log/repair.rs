//! `understudy log repair`: a damaged end is set aside.

use super::verify::sound;
use super::{open_stopped, progress, shards, walk};
use crate::acts::keep_act;
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::{OutputFormat, print, print_json};
use serde_json::{Value, json};
use std::path::Path;
use understudy_log::{DamagedEnd, Identity, LogError, OsDisk, find_damaged_end_with, set_aside};
use understudy_types::{ClusterId, DataId, ShardName};

pub(super) fn repair(data: &Path, apply: bool, output: OutputFormat) -> anyhow::Result<Exit> {
    let (_lock, disk, identity) = open_stopped(data)?;
    let say = |text: &str| {
        if output == OutputFormat::Text {
            print(text);
        }
    };
    let mut ends = Vec::new();
    for shard in shards(&disk)? {
        match find(&disk, data, identity.cluster, &shard)? {
            Some(end) => ends.push(end),
            None => say(&format!("shard {shard}: ok, nothing to repair")),
        }
    }
    ends.iter().for_each(|end| say(&plan(end)));
    let applied = apply && !ends.is_empty();
    if applied {
        set_aside_and_tell(&disk, &identity, &ends, data, &say)?;
    } else if !ends.is_empty() {
        say(&format!(
            "nothing was changed. Another node must have these records: look at its head with\n\
             `understudy status`, and when {} was the primary, fail over to it first.\n\
             Then run this again with --apply",
            identity.node
        ));
    }
    if output == OutputFormat::Json {
        print_json(&json!({ "node": identity.node, "applied": applied, "shards": facts(&ends) }))?;
    }
    Ok(match ends.is_empty() || applied {
        true => Exit::Done,
        false => Exit::Damaged,
    })
}

/// Walks the whole log; on a terminal it says how far it is.
fn find(
    disk: &OsDisk,
    data: &Path,
    cluster: ClusterId,
    shard: &ShardName,
) -> Result<Option<DamagedEnd>, LogError> {
    let progress = progress(data, shard);
    find_damaged_end_with(disk, cluster, shard, &mut |batch| {
        progress.add(batch.bytes().len() as u64);
    })
}

fn set_aside_and_tell(
    disk: &OsDisk,
    identity: &Identity,
    ends: &[DamagedEnd],
    data: &Path,
    say: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let fresh = DataId::from_bytes(entropy()?);
    set_aside(disk, identity, fresh, ends)?;
    let facts = json!({ "shards": facts(ends) });
    keep_act(disk, identity, "log_repaired", facts)?;
    for end in ends {
        let report = walk(disk, data, identity.cluster, &end.shard, &mut |_| {})?;
        say(&sound(&end.shard, &report));
    }
    say(&format!(
        "done: start {} again; it is a new standby, and out of sync until it has fetched the rest",
        identity.node
    ));
    Ok(())
}

/// What is damaged, for the audit and for programs.
fn facts(ends: &[DamagedEnd]) -> Vec<Value> {
    let fact = |end: &DamagedEnd| {
        let (shard, damage) = (&end.shard, end.damage.to_string());
        json!({ "shard": shard, "damage": damage, "segments": end.segments.len() })
    };
    ends.iter().map(fact).collect()
}

fn plan(end: &DamagedEnd) -> String {
    format!(
        "shard {}: DAMAGED: {}\n  {} segments ({}) from there on go to {}",
        end.shard,
        end.damage,
        end.segments.len(),
        end.bytes,
        end.directory(),
    )
}
