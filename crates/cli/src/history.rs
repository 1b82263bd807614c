//! `understudy history`: the receipts that a node kept.

use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json, span};
use crate::log::identify;
use clap::Args;
use std::path::PathBuf;
use understudy_node::receipts;
use understudy_node::status::Receipt;
use understudy_protocol::Override;

/// Prints what led to each epoch that this node took by request: who asked,
/// why, each step with its time, and what could be lost.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// The data root.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) fn history(args: HistoryArgs) -> anyhow::Result<Exit> {
    let (disk, identity) = identify(&args.data)?;
    let receipts = receipts::read(&disk)?;
    match args.output {
        OutputFormat::Json => print_json(&receipts)?,
        OutputFormat::Text if receipts.is_empty() => {
            print(&format!("{} has taken no epoch by request", identity.node));
        }
        OutputFormat::Text => receipts
            .iter()
            .for_each(|receipt| print(&describe(receipt))),
    }
    Ok(Exit::Done)
}

/// The receipt as the end of a switchover or failover prints it.
pub(crate) fn describe(receipt: &Receipt) -> String {
    let mut out = format!(
        "RECEIPT epoch {}  {} to {}  in {}\n  could lose: {}",
        receipt.epoch,
        receipt.mode,
        receipt.node,
        span(receipt.rto_micros as f64 / 1e6),
        receipt.loss_bound,
    );
    for (shard, fork) in &receipt.forks {
        let fork = fork.map_or("the beginning".to_owned(), |fork| fork.to_string());
        out += &format!("\n  shard {shard} from {fork}");
    }
    out += &format!("\n  by {}", receipt.by);
    if !receipt.reason.is_empty() {
        out += &format!(": {}", receipt.reason);
    }
    if let Some(evidence) = &receipt.fenced_by {
        out += &format!("\n  the wait was skipped; fenced by: {evidence}");
    }
    for Override { check, fact } in &receipt.overrides {
        out += &format!("\n  overridden {check}: {fact}");
    }
    for hook in &receipt.hooks {
        let end = hook
            .failure
            .as_ref()
            .map_or("passed".to_owned(), |why| format!("FAILED: {why}"));
        let took = span(hook.took_micros as f64 / 1e6);
        out += &format!("\n  hook {} {end} in {took}", hook.name());
    }
    for step in &receipt.steps {
        let seconds = step.elapsed_micros as f64 / 1e6;
        out += &format!("\n  {seconds:7.3}  {}", step.detail);
    }
    out
}
