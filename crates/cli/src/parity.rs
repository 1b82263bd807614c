//! `understudy parity`: both nodes held against each other, now.

use crate::admin;
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::nodes::NodesArgs;
use crate::refusal::Refusal;
use crate::status;
use clap::Args;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use understudy_node::profile::{NodeProfile, compare_versions, differences, is_decisive};

/// Compares what the nodes of a pair say of themselves: version, the fields
/// of the configuration that should be equal, the secrets (by digest),
/// maintenance.
///
/// Exit code 0: equal; 10: they differ where that is no obstacle to a
/// promotion; 20: where it is one, or there are no two nodes to compare.
#[derive(Args, Debug)]
pub(crate) struct ParityArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Equal,
    Differs,
    Decisive,
}

/// One thing that was compared.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Compared {
    what: String,
    outcome: Weight,
    /// What each node has; of secrets nothing.
    values: BTreeMap<String, String>,
    way_out: Option<&'static str>,
}

pub(crate) async fn parity(args: ParityArgs) -> anyhow::Result<Exit> {
    let addresses = args.nodes.addresses()?;
    let mut profiles: Vec<NodeProfile> = Vec::new();
    let mut silent = Vec::new();
    for answer in status::ask(addresses).await.nodes {
        match admin::profile(&answer.endpoint).await {
            Ok(profile) if profiles.iter().any(|known| known.node == profile.node) => {}
            Ok(profile) => profiles.push(profile),
            Err(error) => silent.push(format!("{}: {error}", answer.endpoint)),
        }
    }
    let [first, others @ ..] = &profiles[..] else {
        return Err(too_few(&silent).into());
    };
    if others.is_empty() {
        return Err(too_few(&silent).into());
    }
    let compared: Vec<_> = others
        .iter()
        .flat_map(|other| compare(first, other))
        .collect();
    let worst = compared.iter().map(|one| one.outcome).max();
    match args.output {
        OutputFormat::Json => print_json(&compared)?,
        OutputFormat::Text => show(&compared),
    }
    match worst {
        Some(Weight::Decisive) => Err(Refusal::new(
            "E801",
            "a promotion would be refused for this",
            "give both nodes the same value, and restart one",
        )
        .into()),
        Some(Weight::Differs) => Ok(Exit::Warnings),
        _ => Ok(Exit::Done),
    }
}

fn too_few(silent: &[String]) -> Refusal {
    let fact = match silent {
        [] => "only one node is known here".to_owned(),
        silent => format!("not every node answers: {}", silent.join("; ")),
    };
    Refusal::new(
        "E802",
        format!("there are no two nodes to compare: {fact}"),
        "name both with --endpoint; `understudy check` compares with what a standby last heard",
    )
}

fn compare(one: &NodeProfile, other: &NodeProfile) -> Vec<Compared> {
    let both = |values: [String; 2]| {
        let [here, there] = values;
        BTreeMap::from([
            (one.node.to_string(), here),
            (other.node.to_string(), there),
        ])
    };
    let mut compared = vec![
        version(
            one,
            other,
            both([one.version.clone(), other.version.clone()]),
        ),
        maintenance(
            one,
            other,
            both([one.maintenance, other.maintenance].map(on_or_off)),
        ),
    ];
    let value = |settings: &BTreeMap<String, String>, field: &str| {
        settings.get(field).cloned().unwrap_or("absent".to_owned())
    };
    let different = differences(&one.settings, &other.settings);
    for field in &different {
        let values = [&one.settings, &other.settings].map(|settings| value(settings, field));
        compared.push(Compared {
            what: (*field).to_owned(),
            outcome: match is_decisive(field) {
                true => Weight::Decisive,
                false => Weight::Differs,
            },
            values: both(values),
            way_out: Some("give both nodes the same value, unless it is meant"),
        });
    }
    let same = one.settings.len() - different.len().min(one.settings.len());
    compared.push(equal(format!("{same} fields of the configuration")));
    let secrets = differences(&one.secrets, &other.secrets);
    compared.extend(secrets.iter().map(|field| Compared {
        what: format!("secret {field}"),
        outcome: Weight::Differs,
        values: BTreeMap::new(),
        way_out: Some("correct it, unless each node is meant to have its own"),
    }));
    let same = one.secrets.len() - secrets.len().min(one.secrets.len());
    compared.push(equal(format!("{same} digests of secrets")));
    compared
}

fn equal(what: String) -> Compared {
    Compared {
        what,
        outcome: Weight::Equal,
        values: BTreeMap::new(),
        way_out: None,
    }
}

fn version(one: &NodeProfile, other: &NodeProfile, values: BTreeMap<String, String>) -> Compared {
    let (outcome, way_out) = match compare_versions(&one.version, &other.version) {
        Some(Ordering::Equal) => (Weight::Equal, None),
        Some(_) => (
            Weight::Differs,
            Some("the newer node can be promoted, the older one cannot: upgrade it"),
        ),
        None => (
            Weight::Decisive,
            Some("run released binaries on both nodes"),
        ),
    };
    Compared {
        what: "version".to_owned(),
        outcome,
        values,
        way_out,
    }
}

fn maintenance(
    one: &NodeProfile,
    other: &NodeProfile,
    values: BTreeMap<String, String>,
) -> Compared {
    let is_same = one.maintenance == other.maintenance;
    Compared {
        what: "maintenance".to_owned(),
        outcome: if is_same {
            Weight::Equal
        } else {
            Weight::Differs
        },
        values,
        way_out: (!is_same).then_some("understudy maintenance on, or off, for both nodes"),
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn show(compared: &[Compared]) {
    for one in compared {
        let values: Vec<_> = one
            .values
            .iter()
            .map(|(node, value)| format!("{node} {value}"))
            .collect();
        let word = match one.outcome {
            Weight::Equal => "equal  ",
            Weight::Differs | Weight::Decisive => "DIFFERS",
        };
        print(format!(" {word}  {}  {}", one.what, values.join(", ")).trim_end());
        if let Some(way_out) = one.way_out {
            print(&format!("          → {way_out}"));
        }
    }
}

#[cfg(test)]
mod tests;
