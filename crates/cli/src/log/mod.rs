//! `understudy log`: a walk over a stopped node's logs, and what to do about
//! damage.

mod repair;
mod verify;

use crate::exit::Exit;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use understudy_log::{Disk, DiskErrorKind, Identity, OsDisk, RootLock};
use understudy_types::ShardName;

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
        LogCommand::Verify { data } => verify::verify_all(&data),
        LogCommand::Repair { data, apply } => repair::repair(&data, apply),
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

/// The shards that have a directory, by name.
pub(crate) fn shards(disk: &OsDisk) -> anyhow::Result<Vec<ShardName>> {
    let names = match disk.list("shards") {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
