//! `understudy history`: the receipts that nodes kept.

use crate::admin::{self, Gathered};
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json, span};
use crate::log::identify;
use crate::nodes::NodesArgs;
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use understudy_node::receipts;
use understudy_node::status::Receipt;
use understudy_protocol::Override;

/// Prints what led to each epoch that was taken by request: who asked, why,
/// each step with its time, and what could be lost. Each node keeps its own.
///
/// Exit code 0: all who were asked have answered; 10: some have not, and their
/// receipts are missing; 1: there are none, and somebody has not answered.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    /// A data root, instead; its node may run or not.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["endpoint", "config"])]
    data: Option<PathBuf>,
    /// So many of each node, the newest.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    last: u32,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn history(args: HistoryArgs) -> anyhow::Result<Exit> {
    let found = match &args.data {
        Some(data) => of_root(data, args.last)?,
        None => of_nodes(args.nodes.addresses()?, args.last).await?,
    };
    match args.output {
        OutputFormat::Json => print_json(&found.receipts)?,
        OutputFormat::Text if found.receipts.is_empty() => {
            print("no epoch was taken by request");
        }
        OutputFormat::Text => {
            let receipts = found.receipts.iter();
            receipts.for_each(|receipt| print(&describe(receipt)));
        }
    }
    for (address, why) in &found.silent {
        eprintln!("{address} does not answer, and its receipts are missing: {why}");
    }
    Ok(match found.silent.is_empty() {
        true => Exit::Done,
        false => Exit::Warnings,
    })
}

fn of_root(data: &Path, last: u32) -> anyhow::Result<Gathered> {
    let (disk, _) = identify(data)?;
    let receipts = receipts::read(&disk)?;
    Ok(Gathered {
        receipts: receipts::newest(&receipts, last as usize).to_vec(),
        silent: Vec::new(),
    })
}

async fn of_nodes(addresses: Vec<String>, last: u32) -> anyhow::Result<Gathered> {
    let mut found = admin::gather_receipts(addresses, last).await;
    if found.receipts.is_empty()
        && let [(address, why), ..] = &found.silent[..]
    {
        anyhow::bail!(
            "no receipts: {address} does not answer: {why}; give the nodes with --endpoint or --config, or a data root with --data"
        );
    }
    let clusters: BTreeSet<_> = found.receipts.iter().map(|one| one.cluster).collect();
    if clusters.len() > 1 {
        anyhow::bail!("the nodes that were named belong to several clusters: ask those of one");
    }
    receipts::put_in_order(&mut found.receipts);
    Ok(found)
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
