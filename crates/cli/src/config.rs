//! `understudy config`: what a configuration file says, before a node runs
//! with it.

use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::settings::OverrideArgs;
use clap::{Args, Subcommand};
use serde_json::json;
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
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    over: OverrideArgs,
}

pub(crate) fn config(args: ConfigArgs) -> anyhow::Result<Exit> {
    let ConfigCommand::Check(args) = args.command;
    let settings = args.over.load(&args.config)?.settings;
    let (file, data) = (args.config.display(), settings.data.display());
    let (node, cluster) = (&settings.node, &settings.cluster_name);
    match args.output {
        OutputFormat::Json => {
            let shards: Vec<_> = settings.shards.iter().map(|shard| &shard.name).collect();
            print_json(&json!({
                "file": file.to_string(), "node": node, "cluster": cluster,
                "data": data.to_string(), "shards": shards,
            }))?;
        }
        OutputFormat::Text => print(&format!(
            "{file}: sound; node {node} of cluster {cluster}, data in {data}"
        )),
    }
    Ok(Exit::Done)
}
