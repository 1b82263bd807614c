//! `understudy log repair`: a damaged end is set aside.

use super::verify::sound;
use super::{open_stopped, shards};
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::print;
use crate::operator::operator;
use anyhow::Context;
use serde_json::json;
use std::path::Path;
use understudy_log::{DamagedEnd, Identity, OsDisk, find_damaged_end, set_aside, verify};
use understudy_node::BootClock;
use understudy_node::audit::{self, AuditAct};
use understudy_types::{Clock, DataId, Nonce};

pub(super) fn repair(data: &Path, apply: bool) -> anyhow::Result<Exit> {
    let (_lock, disk, identity) = open_stopped(data)?;
    let mut ends = Vec::new();
    for shard in shards(&disk)? {
        match find_damaged_end(&disk, identity.cluster, &shard)? {
            Some(end) => ends.push(end),
            None => print(&format!("shard {shard}: ok, nothing to repair")),
        }
    }
    if ends.is_empty() {
        return Ok(Exit::Done);
    }
    ends.iter().for_each(|end| print(&plan(end)));
    if !apply {
        print(&format!(
            "nothing was changed. Another node must have these records: look at its head with\n\
             `understudy status`, and when {} was the primary, fail over to it first.\n\
             Then run this again with --apply",
            identity.node
        ));
        return Ok(Exit::Damaged);
    }
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh).context("no entropy for a new data id")?;
    set_aside(&disk, &identity, DataId::from_bytes(fresh), &ends)?;
    keep_act(&disk, &identity, &ends)?;
    for end in &ends {
        let report = verify(&disk, identity.cluster, &end.shard)?;
        print(&sound(&end.shard, &report));
    }
    print(&format!(
        "done: start {} again; it is a new standby, and out of sync until it has fetched the rest",
        identity.node
    ));
    Ok(Exit::Done)
}

/// The node writes it into the log once it follows.
fn keep_act(disk: &OsDisk, identity: &Identity, ends: &[DamagedEnd]) -> anyhow::Result<()> {
    let told = ends.iter().map(|end| {
        let (shard, damage) = (&end.shard, end.damage.to_string());
        json!({ "shard": shard, "damage": damage, "segments": end.segments.len() })
    });
    let act = AuditAct {
        format: AuditAct::FORMAT,
        id: Nonce::from_bytes(entropy()?),
        act: "log_repaired".to_owned(),
        node: identity.node.clone(),
        by: operator(),
        wall_millis: BootClock.wall_millis(),
        facts: json!({ "shards": told.collect::<Vec<_>>() }),
    };
    Ok(audit::keep(disk, &act)?)
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
