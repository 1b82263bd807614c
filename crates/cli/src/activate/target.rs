//! Who can be asked, and what the target says of itself before anything is
//! written.

use super::request::Wish;
use crate::admin::{self, DEFAULT_ENDPOINTS, NoAnswer};
use crate::check::{self, Verb};
use crate::refusal::Refusal;
use understudy_node::config::Configuration;
use understudy_node::status::{Status, Verdict};
use understudy_protocol::{Lease, LeaseState};

/// Asks every address at which a node of this cluster may be.
pub(super) async fn find(
    known: &[String],
    configuration: &Configuration,
    lease: &Lease,
) -> Vec<(String, Result<Status, NoAnswer>)> {
    let mut addresses = known.to_vec();
    addresses.extend(
        lease
            .holder
            .as_ref()
            .map(|holder| holder.replication.clone()),
    );
    addresses.push(configuration.settings.replication.advertise.clone());
    addresses.extend(DEFAULT_ENDPOINTS.map(str::to_owned));
    let mut answers = admin::ask_all(addresses).await;
    let ours = |answer: &Result<Status, NoAnswer>| {
        answer
            .as_ref()
            .is_ok_and(|status| status.cluster == lease.cluster)
    };
    answers.retain(|(_, answer)| ours(answer));
    answers
}

/// What is known before anything is written.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) situation: String,
}

pub(super) async fn look(
    wish: &Wish,
    lease: &Lease,
    nodes: &[(String, Result<Status, NoAnswer>)],
) -> anyhow::Result<Seen> {
    let target = nodes.iter().find(|(_, answer)| {
        answer
            .as_ref()
            .is_ok_and(|status| status.node == wish.target)
    });
    let Some((address, _)) = target else {
        return Err(unknown_target(wish, nodes).into());
    };
    let verdict = admin::verdict(address, wish.verb.word(), wish.expect_epoch.get()).await;
    let verdict = verdict.map_err(|cause| {
        Refusal::new(
            wish.verb.id("E204", "E307"),
            format!("{} at {address} gave no verdict: {cause}", wish.target),
            "a check that could not run refuses: see to the node, and ask again",
        )
    })?;
    Ok(Seen {
        verdict,
        situation: situation(wish, lease, nodes),
    })
}

fn unknown_target(wish: &Wish, nodes: &[(String, Result<Status, NoAnswer>)]) -> Refusal {
    let names: Vec<String> = nodes
        .iter()
        .filter_map(|(address, answer)| {
            answer
                .as_ref()
                .ok()
                .map(|status| format!("{} at {address}", status.node))
        })
        .collect();
    let others = match names.is_empty() {
        true => "nobody does".to_owned(),
        false => format!("these do: {}", names.join(", ")),
    };
    Refusal::new(
        wish.verb.id("E202", "E310"),
        format!("no node named {} answers; {others}", wish.target),
        "correct --to, or give its replication address with --endpoint HOST:PORT",
    )
}

fn situation(wish: &Wish, lease: &Lease, nodes: &[(String, Result<Status, NoAnswer>)]) -> String {
    let holder = lease.holder_name();
    let alive = nodes.iter().any(|(_, answer)| {
        answer
            .as_ref()
            .is_ok_and(|status| status.node.as_str() == holder && status.is_primary())
    });
    let state = match (lease.state, alive) {
        (LeaseState::Released, _) => "has released the lease: nothing to wait for".to_owned(),
        (_, true) if wish.verb == Verb::Failover => {
            "IS STILL ALIVE: consider `understudy switchover`, which loses nothing".to_owned()
        }
        (_, true) => "is alive".to_owned(),
        (_, false) => "does not answer here".to_owned(),
    };
    format!(
        "{} to {}, epoch {} → {}\n  primary {holder} {state}",
        wish.verb.word().to_uppercase(),
        wish.target,
        lease.epoch,
        lease.epoch.next(),
    )
}

impl Seen {
    pub(super) fn describe(&self) -> String {
        format!("{}\n{}", self.situation, check::describe(&self.verdict))
    }
}
