//! `understudy config`: what a configuration file says, before a node runs
//! with it.

use crate::exit::Exit;
use crate::format::print;
use crate::settings::OverrideArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check a file as `run` would, flags and variables included.
    ///
    /// Asks nobody and changes nothing. Exit code 0: a node would take it;
    /// 1: the message says what to change.
    Check(Box<CheckArgs>),
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    over: OverrideArgs,
}

pub(crate) fn config(args: ConfigArgs) -> anyhow::Result<Exit> {
    let ConfigCommand::Check(args) = args.command;
    let settings = args.over.load(&args.config)?.settings;
    let shards = settings.shards.len();
    let plural = if shards == 1 { "" } else { "s" };
    print(&format!(
        "{}: sound; node {} of cluster {}, {shards} shard{plural}, data in {}",
        args.config.display(),
        settings.node,
        settings.cluster_name,
        settings.data.display(),
    ));
    Ok(Exit::Done)
}
