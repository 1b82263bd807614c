//! `understudy maintenance`: reads go on, writes are refused, until an
//! operator ends it.

use crate::admin::{self, NoAnswer};
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::nodes::NodesArgs;
use crate::status;
use clap::{Args, Subcommand};
use serde_json::json;

/// Refuses writes on every node of the pair, or takes them again. Reads,
/// watches, replication, the lease and promotions go on.
///
/// Each node keeps it in its data root, so that neither a restart nor a
/// promotion opens writes. Exit code 0: every node took it; 10: a node did
/// not answer, and does what it was told before; 1: none took it.
#[derive(Args, Debug)]
pub(crate) struct MaintenanceArgs {
    #[command(subcommand)]
    command: Switch,
}

#[derive(Debug, Subcommand)]
enum Switch {
    /// Refuse writes. When the command ends, none is written any more.
    On {
        /// Why; shown in the status, and kept in the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        to: ToldArgs,
    },
    /// Take writes again.
    Off {
        #[command(flatten)]
        to: ToldArgs,
    },
}

#[derive(Args, Debug)]
struct ToldArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// What became of one address.
struct Told {
    endpoint: String,
    node: Option<String>,
    outcome: Result<(), NoAnswer>,
}

pub(crate) async fn maintenance(args: MaintenanceArgs) -> anyhow::Result<Exit> {
    let (reason, to) = match args.command {
        Switch::On { reason, to } => (Some(reason), to),
        Switch::Off { to } => (None, to),
    };
    let addresses = to.nodes.addresses()?;
    let mut told = Vec::new();
    for answer in status::ask(addresses).await.nodes {
        let outcome = match answer.error {
            Some(error) => Err(error),
            None => admin::set_maintenance(&answer.endpoint, reason.as_deref()).await,
        };
        told.push(Told {
            endpoint: answer.endpoint,
            node: answer.status.map(|status| status.node.to_string()),
            outcome,
        });
    }
    show(&told, reason.as_deref(), to.output)?;
    let taken = told.iter().filter(|told| told.outcome.is_ok()).count();
    Ok(match taken {
        0 => Exit::Failed,
        some if some < told.len().max(2) => Exit::Warnings,
        _ => Exit::Done,
    })
}

fn show(told: &[Told], reason: Option<&str>, output: OutputFormat) -> anyhow::Result<()> {
    if output == OutputFormat::Json {
        let nodes = told.iter().map(|told| {
            let error = told.outcome.as_ref().err();
            json!({ "endpoint": told.endpoint, "node": told.node, "error": error })
        });
        let nodes: Vec<_> = nodes.collect();
        return print_json(&json!({ "maintenance": reason.is_some(), "nodes": nodes }));
    }
    let done = match reason {
        Some(_) => "refuses writes, or will when it is primary",
        None => "takes writes when it is primary",
    };
    for told in told {
        let name = told.node.as_deref().unwrap_or("a node");
        match &told.outcome {
            Ok(()) => print(&format!("{name} ({}) {done}", told.endpoint)),
            Err(error) => print(&format!(
                "NOT TOLD: {name} ({}): {error}; it does what it was told before",
                told.endpoint
            )),
        }
    }
    if told.len() == 1 {
        print("WARNING: only one node is known here; give the other one with --endpoint");
    }
    Ok(())
}
