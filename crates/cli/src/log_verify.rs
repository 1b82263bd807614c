//! `understudy log`: a walk over a stopped node's logs, and what to do about
//! damage.

use crate::exit::Exit;
use crate::format::{grouped, print};
use anyhow::Context;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use understudy_log::{
    DamagedEnd, Disk, Identity, LogError, OsDisk, RootLock, VerifyReport, find_damaged_end,
    set_aside, verify,
};
use understudy_types::{DataId, ShardName};

/// Looks at the log of a node that is not running.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Verify every batch and the chain, and print each shard's head.
    ///
    /// Reads everything and changes nothing. The first damage is named with
    /// file, offset, expected and found, and the exit code is 30.
    Verify {
        /// The data root.
        data: PathBuf,
    },
    /// Set the damaged end of a log aside, so that it is fetched anew.
    ///
    /// Says what it would do; --apply does it. The damaged segment and all
    /// later ones go to `damaged/` in the data root as they are. The node then
    /// counts as a new standby until it has fetched everything again from the
    /// primary, where the chain proves each record.
    Repair {
        /// The data root.
        data: PathBuf,
        /// Do it.
        #[arg(long)]
        apply: bool,
    },
}

pub(crate) fn log(args: LogArgs) -> anyhow::Result<Exit> {
    match args.command {
        LogCommand::Verify { data } => verify_all(&data),
        LogCommand::Repair { data, apply } => repair(&data, apply),
    }
}

fn verify_all(data: &Path) -> anyhow::Result<Exit> {
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

fn repair(data: &Path, apply: bool) -> anyhow::Result<Exit> {
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

/// Takes the data root, so that no node starts under the reader.
fn open_stopped(data: &Path) -> anyhow::Result<(RootLock, OsDisk, Identity)> {
    let (disk, identity) = identify(data)?;
    let lock = RootLock::acquire(data).with_context(|| data.display().to_string())?;
    Ok((lock, disk, identity))
}

/// Whose data root this is; it may be in use.
pub(crate) fn identify(data: &Path) -> anyhow::Result<(OsDisk, Identity)> {
    let disk = OsDisk::new(data);
    let identity = match data.is_dir() {
        true => Identity::load(&disk)?,
        false => None,
    };
    let identity = identity.ok_or_else(|| {
        anyhow::anyhow!(
            "{} is not a data root: it has no identity.json",
            data.display()
        )
    })?;
    Ok((disk, identity))
}

/// The shards that have a directory, by name.
pub(crate) fn shards(disk: &OsDisk) -> anyhow::Result<Vec<ShardName>> {
    let names = match disk.list("shards") {
        Err(error) if error.kind == understudy_log::DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn sound(shard: &ShardName, report: &VerifyReport) -> String {
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
