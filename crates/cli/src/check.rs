//! `understudy check`: the verdict alone.

use crate::admin::{self, NoAnswer};
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json, span};
use crate::refusal::Refusal;
use clap::{Args, ValueEnum};
use understudy_node::status::{Status, Verdict};
use understudy_types::NodeId;

/// Asks a standby what stands for and against its promotion. Changes nothing.
/// Exit code 0: ready, 10: ready with warnings, 20: refused. A check that
/// could not run refuses.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// For which verb.
    #[arg(long = "for", value_enum, default_value = "switchover")]
    verb: Verb,
    /// The node to ask [default: the standby that answers].
    #[arg(long, value_name = "NODE")]
    to: Option<NodeId>,
    /// A node's replication address; may be repeated.
    #[arg(long, value_name = "HOST:PORT", default_values_t = admin::DEFAULT_ENDPOINTS.map(str::to_owned))]
    endpoint: Vec<String>,
    /// The epoch that you believe in.
    #[arg(
        long,
        value_name = "EPOCH",
        default_value_t = 0,
        hide_default_value = true
    )]
    expect_epoch: u64,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verb {
    Switchover,
    Failover,
}

impl Verb {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verb::Switchover => "switchover",
            Verb::Failover => "failover",
        }
    }

    /// The id under which this verb refuses.
    pub(crate) fn id(self, switchover: &'static str, failover: &'static str) -> &'static str {
        match self {
            Verb::Switchover => switchover,
            Verb::Failover => failover,
        }
    }
}

pub(crate) async fn check(args: CheckArgs) -> anyhow::Result<Exit> {
    let answers = admin::ask_all(args.endpoint.clone()).await;
    let target = answers.iter().find_map(|(address, answer)| {
        let status = answer.as_ref().ok()?;
        let wanted = match &args.to {
            Some(node) => status.node == *node,
            None => status.role != "primary",
        };
        wanted.then(|| address.clone())
    });
    let Some(address) = target else {
        let who = args
            .to
            .map_or("no standby".to_owned(), |node| format!("no node {node}"));
        return Err(Refusal::new(
            "E207",
            format!("{who} answers at {}", asked(&answers)),
            "give its replication address with --endpoint HOST:PORT",
        )
        .into());
    };
    let verdict = admin::verdict(&address, args.verb.word(), args.expect_epoch).await;
    let verdict = verdict.map_err(|cause| anyhow::anyhow!("{address}: {cause}"))?;
    match args.output {
        OutputFormat::Json => print_json(&verdict)?,
        OutputFormat::Text => print(&describe(&verdict)),
    }
    Ok(exit_of(&verdict))
}

/// The addresses, with what came of each.
fn asked(answers: &[(String, Result<Status, NoAnswer>)]) -> String {
    let told = answers.iter().map(|(address, answer)| match answer {
        Ok(status) => format!("{address} ({} {})", status.role, status.node),
        Err(cause) => format!("{address} ({cause})"),
    });
    told.collect::<Vec<_>>().join(", ")
}

pub(crate) fn exit_of(verdict: &Verdict) -> Exit {
    match verdict.outcome.as_str() {
        "ready" => Exit::Done,
        "ready_with_warnings" => Exit::Warnings,
        _ => Exit::Refused,
    }
}

pub(crate) fn describe(verdict: &Verdict) -> String {
    let word = match verdict.outcome.as_str() {
        "ready" => "YES",
        "ready_with_warnings" => "YES, with warnings",
        _ => "NO",
    };
    let mut out = format!(
        "READY FOR {} to {}: {word}",
        verdict.mode.to_uppercase(),
        verdict.node
    );
    // A switchover loses nothing, whatever the distance is now.
    if verdict.mode == Verb::Failover.word() {
        let bound = verdict
            .loss_bound
            .map_or("unknown".to_owned(), |bound| bound.to_string());
        out += &format!("   could lose: {bound}");
    }
    for check in &verdict.checks {
        out += &format!("\n {:<8}{} {}", check.outcome, check.id, check.fact);
        if let Some(way_out) = check.way_out.as_ref().filter(|_| check.outcome != "ok") {
            out += &format!("\n         → {way_out}");
        }
    }
    let worst = ["refused", "warn"].iter().find_map(|outcome| {
        let mut checks = verdict.checks.iter();
        checks.find(|check| check.outcome == *outcome)
    });
    if let Some(check) = worst {
        out += &format!("\n more: understudy explain {}", check.id);
    }
    out + &format!("\n made in {}", span(verdict.took_micros as f64 / 1e6))
}
