//! Who can be asked, and what the target says of itself before anything is
//! written.

use super::request::Wish;
use super::{CommonArgs, holder_name};
use crate::admin::{self, DEFAULT_ENDPOINTS, NoAnswer};
use crate::check::{self, Verb};
use crate::exit::Exit;
use crate::refusal::Refusal;
use understudy_node::config::Configuration;
use understudy_node::status::{Status, Verdict};
use understudy_protocol::{Lease, LeaseState};

/// The verdict's check that an accepted loss overrides, and no other.
const LOSS_CHECK: &str = "P04";

/// Asks every address at which a node of this cluster may be.
pub(super) async fn find(
    args: &CommonArgs,
    configuration: &Configuration,
    lease: &Lease,
) -> Vec<(String, Result<Status, NoAnswer>)> {
    let mut addresses = args.access.endpoint.clone();
    addresses.extend(
        lease
            .holder
            .as_ref()
            .map(|holder| holder.replication.clone()),
    );
    addresses.extend(args.access.neighbours(&lease.name));
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
            id(wish.verb, "E204", "E307"),
            format!("{} at {address} gave no verdict: {cause}", wish.target),
            "a check that could not run refuses: see to the node, and ask again",
        )
    })?;
    Ok(Seen {
        verdict,
        situation: situation(wish, lease, nodes),
    })
}

fn id(verb: Verb, switchover: &'static str, failover: &'static str) -> &'static str {
    match verb {
        Verb::Switchover => switchover,
        Verb::Failover => failover,
    }
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
        id(wish.verb, "E202", "E310"),
        format!("no node named {} answers; {others}", wish.target),
        "correct --to, or give its replication address with --endpoint HOST:PORT",
    )
}

fn situation(wish: &Wish, lease: &Lease, nodes: &[(String, Result<Status, NoAnswer>)]) -> String {
    let holder = holder_name(lease);
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

    /// The check that the operator's word overrides, for people.
    pub(super) fn overridden(&self, wish: &Wish) -> Option<String> {
        let against = self.verdict.checks.iter().any(|check| {
            check.id == LOSS_CHECK && check.outcome == "refused" && wish.verb == Verb::Failover
        });
        against.then(|| format!("{LOSS_CHECK} is overridden: --accept-loss covers it"))
    }

    /// Refuses when the verdict does, except where the loss was accepted.
    pub(super) fn check(&self, wish: &Wish) -> Result<(), Refusal> {
        if wish.verb == Verb::Failover && !wish.accepts(self.verdict.loss_bound) {
            let bound = self
                .verdict
                .loss_bound
                .map_or("unknown".to_owned(), |bound| bound.to_string());
            return Err(Refusal::new(
                "E303",
                format!("this failover could lose: {bound}"),
                "prefer `understudy switchover` while the primary lives; else accept it with --accept-loss SECONDS or --accept-loss unknown",
            ));
        }
        let refused = self.verdict.checks.iter().find(|check| {
            check.outcome == "refused" && !(check.id == LOSS_CHECK && wish.verb == Verb::Failover)
        });
        match refused {
            None => Ok(()),
            Some(check) => Err(Refusal::new(
                id(wish.verb, "E204", "E307"),
                format!("{} {}", check.id, check.fact),
                check
                    .way_out
                    .clone()
                    .unwrap_or_else(|| "see docs/operations.md".to_owned()),
            )),
        }
    }

    /// For a dry run that was not refused.
    pub(super) fn exit(&self) -> Exit {
        match check::exit_of(&self.verdict) {
            // Only the loss was against it, and that is accepted.
            Exit::Refused => Exit::Warnings,
            exit => exit,
        }
    }
}
