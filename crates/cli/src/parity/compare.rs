//! What two nodes say of themselves, side by side.

use super::certificates;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use understudy_node::profile::{NodeProfile, compare_versions, differences, is_decisive};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Weight {
    Equal,
    Differs,
    Decisive,
}

/// One thing that was compared.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    pub(super) what: String,
    pub(super) outcome: Weight,
    /// What each node has; of secrets nothing.
    pub(super) values: BTreeMap<String, String>,
    pub(super) way_out: Option<&'static str>,
}

impl Compared {
    pub(super) fn of(what: impl Into<String>) -> Compared {
        Compared {
            what: what.into(),
            outcome: Weight::Equal,
            values: BTreeMap::new(),
            way_out: None,
        }
    }

    pub(super) fn with(mut self, nodes: [&NodeProfile; 2], values: [String; 2]) -> Compared {
        let names = nodes.map(|node| node.node.to_string());
        self.values = names.into_iter().zip(values).collect();
        self
    }

    pub(super) fn differs(self, way_out: &'static str) -> Compared {
        self.weighed(Weight::Differs, way_out)
    }

    pub(super) fn decides(self, way_out: &'static str) -> Compared {
        self.weighed(Weight::Decisive, way_out)
    }

    pub(super) fn weighed(mut self, outcome: Weight, way_out: &'static str) -> Compared {
        self.outcome = outcome;
        self.way_out = Some(way_out);
        self
    }

    /// Both may have the same fault.
    pub(super) fn word(&self) -> &'static str {
        let mut values = self.values.values();
        let first = values.next();
        match self.outcome {
            Weight::Equal => "equal  ",
            _ if first.is_some() && values.all(|value| Some(value) == first) => "WARNING",
            _ => "DIFFERS",
        }
    }
}

pub(super) fn compare(
    one: &NodeProfile,
    other: &NodeProfile,
    certificate_days: u32,
) -> Vec<Compared> {
    let nodes = [one, other];
    let mut compared = vec![version(nodes), maintenance(nodes)];
    compared.extend(settings(nodes));
    compared.extend(secrets(nodes));
    compared.extend(certificates::compare(nodes, certificate_days));
    compared
}

fn version(nodes: [&NodeProfile; 2]) -> Compared {
    let versions = nodes.map(|node| node.version.clone());
    let order = compare_versions(&versions[0], &versions[1]);
    let compared = Compared::of("version").with(nodes, versions);
    match order {
        Some(Ordering::Equal) => compared,
        Some(_) => {
            compared.differs("the newer node can be promoted, the older one cannot: upgrade it")
        }
        None => compared.decides("run released binaries on both nodes"),
    }
}

fn maintenance(nodes: [&NodeProfile; 2]) -> Compared {
    let [one, other] = nodes.map(|node| node.maintenance);
    let compared = Compared::of("maintenance").with(nodes, [one, other].map(on_or_off));
    match one == other {
        true => compared,
        false => compared.differs("understudy maintenance on, or off, for both nodes"),
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn settings(nodes: [&NodeProfile; 2]) -> Vec<Compared> {
    let [one, other] = nodes.map(|node| &node.settings);
    let value = |settings: &BTreeMap<String, String>, field: &str| {
        settings.get(field).cloned().unwrap_or("absent".to_owned())
    };
    let different = differences(one, other);
    let told = different.iter().map(|field| {
        let weight = match is_decisive(field) {
            true => Weight::Decisive,
            false => Weight::Differs,
        };
        Compared::of(*field)
            .with(nodes, [one, other].map(|settings| value(settings, field)))
            .weighed(weight, "give both nodes the same value, unless it is meant")
    });
    let same = one.len() - different.len().min(one.len());
    let equal = Compared::of(format!("{same} fields of the configuration"));
    told.chain([equal]).collect()
}

fn secrets(nodes: [&NodeProfile; 2]) -> Vec<Compared> {
    let [one, other] = nodes.map(|node| &node.secrets);
    let different = differences(one, other);
    let told = different.iter().map(|field| {
        Compared::of(format!("secret {field}"))
            .differs("correct it, unless each node is meant to have its own")
    });
    let same = one.len() - different.len().min(one.len());
    let equal = Compared::of(format!("{same} digests of secrets"));
    told.chain([equal]).collect()
}
