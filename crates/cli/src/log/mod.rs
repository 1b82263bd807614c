//! `understudy log`: a walk over a stopped node's logs, and what to do about
//! damage.

mod repair;
mod verify;

use crate::exit::Exit;
use crate::format::OutputFormat;
use crate::progress::Progress;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use understudy_log::{
    Batch, Disk, DiskErrorKind, Identity, LogError, OsDisk, RootLock, VerifyReport, verify_with,
};
use understudy_types::{ClusterId, ShardName};

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
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
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
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
}

pub(crate) fn log(args: LogArgs) -> anyhow::Result<Exit> {
    match args.command {
        LogCommand::Verify { data, output } => verify::verify_all(&data, output),
        LogCommand::Repair {
            data,
            apply,
            output,
        } => repair::repair(&data, apply, output),
    }
}

/// Takes the data root, so that no node starts under the reader.
pub(crate) fn open_stopped(data: &Path) -> anyhow::Result<(RootLock, OsDisk, Identity)> {
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

/// Verifies one shard's log, and shows every batch to `visit`; on a terminal
/// it says how far it is.
pub(crate) fn walk(
    disk: &OsDisk,
    data: &Path,
    cluster: ClusterId,
    shard: &ShardName,
    visit: &mut dyn FnMut(&Batch),
) -> Result<VerifyReport, LogError> {
    let progress = progress(data, shard);
    verify_with(disk, cluster, shard, &mut |batch| {
        progress.add(batch.bytes().len() as u64);
        visit(batch);
    })
}

/// Of a walk over one shard's log.
fn progress(data: &Path, shard: &ShardName) -> Progress {
    let total = directory_bytes(&data.join("shards").join(shard.as_str()));
    Progress::of_bytes(&format!("verifying shard {shard}"), total)
}

/// About as much as there is to read.
fn directory_bytes(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return 0;
    };
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    sizes
        .filter(|facts| facts.is_file())
        .map(|facts| facts.len())
        .sum()
}

/// The shards that have a directory, by name.
pub(crate) fn shards(disk: &OsDisk) -> anyhow::Result<Vec<ShardName>> {
    let names = match disk.list("shards") {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
