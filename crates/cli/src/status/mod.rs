//! `understudy status`: the same screen for both sides.

mod judge;
mod render;

pub(crate) use render::render;

use crate::admin::{self, NoAnswer};
use crate::colour::paint_status;
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::nodes::NodesArgs;
use crate::signals::Signals;
use clap::Args;
use serde::Serialize;
use std::time::Duration;
use understudy_node::status::Status;

const WATCH_EVERY: Duration = Duration::from_secs(1);
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Shows the pair as its nodes see it. What is not known is shown as unknown,
/// and a lower bound as "≥".
///
/// Exit code 0: a primary serves and its standby streams; 10: something of
/// that is missing or unknown, or a state diverged; 1: no node answers.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    /// Ask again every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

/// What one address said.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeAnswer {
    pub(crate) endpoint: String,
    pub(crate) status: Option<Status>,
    pub(crate) error: Option<NoAnswer>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct PairReport {
    pub(crate) nodes: Vec<NodeAnswer>,
}

impl PairReport {
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &Status> {
        self.nodes.iter().filter_map(|node| node.status.as_ref())
    }

    /// Whoever says of itself that it is the primary.
    pub(crate) fn primary(&self) -> Option<&Status> {
        self.primary_node()?.status.as_ref()
    }

    /// The same, with its address.
    pub(crate) fn primary_node(&self) -> Option<&NodeAnswer> {
        let is_primary = |node: &&NodeAnswer| node.status.as_ref().is_some_and(Status::is_primary);
        self.nodes.iter().find(is_primary)
    }
}

pub(crate) async fn status(args: StatusArgs) -> anyhow::Result<Exit> {
    let addresses = args.nodes.addresses()?;
    if !args.watch {
        let report = ask(addresses).await;
        show(&report, args.output)?;
        return Ok(judge::exit_of(&report));
    }
    let mut signals = Signals::listen()?;
    loop {
        let report = ask(addresses.clone()).await;
        if args.output == OutputFormat::Text {
            print(CLEAR);
        }
        show(&report, args.output)?;
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            () = signals.next() => return Ok(judge::exit_of(&report)),
        }
    }
}

fn show(report: &PairReport, output: OutputFormat) -> anyhow::Result<()> {
    match output {
        OutputFormat::Json => print_json(report),
        OutputFormat::Text => {
            print(&paint_status(&render::render(report)));
            Ok(())
        }
    }
}

/// Asks every address, and then the holder that the answers name.
pub(crate) async fn ask(addresses: Vec<String>) -> PairReport {
    let mut answers = admin::ask_all(addresses).await;
    let mut more: Vec<String> = answers
        .iter()
        .filter_map(|(_, answer)| {
            answer
                .as_ref()
                .ok()?
                .lease
                .as_ref()?
                .holder_replication
                .clone()
        })
        .filter(|holder| !answers.iter().any(|(asked, _)| asked == holder))
        .collect();
    // Another name of a node that has answered already is no further node.
    let known: Vec<_> = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .cloned()
        .collect();
    more.retain(|address| {
        !known.iter().any(|status| {
            let lease = status.lease.as_ref();
            lease.is_some_and(|lease| {
                lease.holder_replication.as_ref() == Some(address)
                    && known
                        .iter()
                        .any(|other| Some(&other.node) == lease.holder.as_ref())
            })
        })
    });
    answers.extend(admin::ask_all(more).await);
    let nodes = answers.into_iter().map(|(endpoint, answer)| match answer {
        Ok(status) => NodeAnswer {
            endpoint,
            status: Some(status),
            error: None,
        },
        Err(error) => NodeAnswer {
            endpoint,
            status: None,
            error: Some(error),
        },
    });
    PairReport {
        nodes: nodes.collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
