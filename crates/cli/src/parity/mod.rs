//! `understudy parity`: both nodes held against each other, now.

mod certificates;
mod compare;
#[cfg(test)]
mod tests;

use crate::admin::{self, NoAnswer};
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::nodes::NodesArgs;
use crate::refusal::Refusal;
use clap::Args;
use compare::{Compared, Weight, compare};
use futures::future::join_all;
use std::collections::BTreeSet;
use understudy_node::profile::NodeProfile;

/// Compares what the nodes of a pair say of themselves: version, the fields
/// of the configuration that should be equal, certificates and secrets (by
/// digest), maintenance.
///
/// Exit code 0: equal; 10: they differ where that is no obstacle to a
/// promotion, or somebody who was named does not answer; 20: where it is one,
/// or the pair or its clients could not go on after it, or there are no two
/// nodes to compare.
#[derive(Args, Debug)]
pub(crate) struct ParityArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    /// For how many days certificates should still be valid.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    certificate_days: u32,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn parity(args: ParityArgs) -> anyhow::Result<Exit> {
    let Answers { profiles, silent } = ask(args.nodes.addresses()?).await;
    let [first, others @ ..] = &profiles[..] else {
        return Err(too_few(&silent).into());
    };
    if others.is_empty() {
        return Err(too_few(&silent).into());
    }
    let mut compared: Vec<_> = others
        .iter()
        .flat_map(|other| compare(first, other, args.certificate_days))
        .collect();
    compared.extend(silent.iter().map(Silent::compared));
    let worst = compared.iter().map(|one| one.outcome).max();
    match args.output {
        OutputFormat::Json => print_json(&compared)?,
        OutputFormat::Text => show(&compared),
    }
    match worst {
        Some(Weight::Decisive) => Err(Refusal::new(
            "E801",
            "a promotion would be refused for this, or the pair or its clients could not go on after it",
            "do what stands under it (→), and ask again",
        )
        .into()),
        Some(Weight::Differs) => Ok(Exit::Warnings),
        _ => Ok(Exit::Done),
    }
}

/// What the nodes said, each once, and who said nothing.
#[derive(Default)]
struct Answers {
    profiles: Vec<NodeProfile>,
    silent: Vec<Silent>,
}

struct Silent {
    address: String,
    error: NoAnswer,
}

/// Asks every address at once, and then the holder that the answers name.
async fn ask(addresses: Vec<String>) -> Answers {
    let asked: BTreeSet<String> = addresses.into_iter().collect();
    let mut answers = Answers::default();
    answers.take(&asked).await;
    // Another name of a node that has answered already is no further node.
    let is_unknown = |node| !answers.profiles.iter().any(|known| known.node == node);
    let holders = answers.profiles.iter().flat_map(|one| one.holder.clone());
    let more = holders
        .filter(|holder| is_unknown(holder.node.clone()) && !asked.contains(&holder.address))
        .map(|holder| holder.address);
    let more: BTreeSet<String> = more.collect();
    answers.take(&more).await;
    answers
}

impl Answers {
    async fn take(&mut self, addresses: &BTreeSet<String>) {
        let asked = addresses
            .iter()
            .map(async |address| (address, admin::profile(address).await));
        for (address, answer) in join_all(asked).await {
            match answer {
                Ok(profile) if self.profiles.iter().any(|known| known.node == profile.node) => {}
                Ok(profile) => self.profiles.push(profile),
                Err(error) => self.silent.push(Silent {
                    address: address.clone(),
                    error,
                }),
            }
        }
    }
}

impl Silent {
    fn compared(&self) -> Compared {
        let said = format!("does not answer: {}", self.error);
        Compared {
            values: [(self.address.clone(), said)].into(),
            ..Compared::of("a node that was named").differs("start it, or do not name it")
        }
    }
}

fn too_few(silent: &[Silent]) -> Refusal {
    let told = silent
        .iter()
        .map(|Silent { address, error }| format!("{address}: {error}"));
    let told: Vec<_> = told.collect();
    let fact = match told[..] {
        [] => "only one node is known here".to_owned(),
        _ => format!("not every node answers: {}", told.join("; ")),
    };
    Refusal::new(
        "E802",
        format!("there are no two nodes to compare: {fact}"),
        "name both with --endpoint; `understudy check` compares with what a standby last heard",
    )
}

fn show(compared: &[Compared]) {
    for one in compared {
        let values: Vec<_> = one
            .values
            .iter()
            .map(|(node, value)| format!("{node} {value}"))
            .collect();
        let line = format!(" {}  {}  {}", one.word(), one.what, values.join(", "));
        print(line.trim_end());
        if let Some(way_out) = one.way_out {
            print(&format!("          → {way_out}"));
        }
    }
}
