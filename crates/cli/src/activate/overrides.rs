//! Which refusals of the verdict the operator's word covers, by name.

use super::request::Wish;
use crate::check::{self, Verb};
use crate::exit::Exit;
use crate::refusal::Refusal;
use understudy_node::status::{Verdict, VerdictCheck};
use understudy_protocol::{AcceptLoss, Override};

/// How far a failover may be from the primary, which an accepted loss covers:
/// the word says how much.
const DISTANCE: &str = "P04";
/// Another request, which `--replace` with its id covers.
const PENDING: &str = "P17";

/// Refuses when a check does and no word covers it; else what was overridden.
pub(super) fn judge(verdict: &Verdict, wish: &Wish) -> Result<Vec<Override>, Refusal> {
    for id in &wish.accept {
        check_word(verdict, wish, id)?;
    }
    if wish.verb == Verb::Failover && !wish.accepts(verdict.loss_bound) {
        let bound = verdict
            .loss_bound
            .map_or("unknown".to_owned(), |bound| bound.to_string());
        return Err(Refusal::new(
            "E303",
            format!("this failover could lose: {bound}"),
            "prefer `understudy switchover` while the primary lives; else accept it with --accept-loss SECONDS or --accept-loss unknown",
        ));
    }
    let refused = verdict
        .checks
        .iter()
        .filter(|check| check.outcome == "refused");
    refused
        .map(|check| match word(verdict, wish, check) {
            Some(word) => Ok(Override {
                check: check.id.clone(),
                fact: format!("{} ({word})", check.fact),
            }),
            None => Err(refusal(wish, check)),
        })
        .collect()
}

/// Whether this is a check that a word may override.
fn check_word(verdict: &Verdict, wish: &Wish, id: &str) -> Result<(), Refusal> {
    let acceptable = verdict.checks.iter().filter(|check| check.may_be_accepted);
    let acceptable = acceptable.map(|check| check.id.as_str());
    let acceptable = acceptable.filter(|id| wish.verb == Verb::Switchover || *id != DISTANCE);
    let acceptable: Vec<&str> = acceptable.collect();
    if acceptable.contains(&id) {
        return Ok(());
    }
    let (fact, way_out) = if id == DISTANCE && wish.verb == Verb::Failover {
        (
            format!("--accept {id} does not say how much may be lost"),
            "say it: --accept-loss SECONDS or --accept-loss unknown".to_owned(),
        )
    } else if id == PENDING {
        (
            format!("--accept {id} does not say which request is to be replaced"),
            "name it: --replace ID".to_owned(),
        )
    } else if verdict.checks.iter().any(|check| check.id == id) {
        (
            format!("{id} may not be overridden: what it refuses could not work, or would harm"),
            format!("these may be: {}", acceptable.join(", ")),
        )
    } else {
        (
            format!("there is no check {id}"),
            format!("these may be overridden: {}", acceptable.join(", ")),
        )
    };
    Err(Refusal::new("E209", fact, way_out))
}

/// The operator's word that covers a check that refuses.
fn word(verdict: &Verdict, wish: &Wish, check: &VerdictCheck) -> Option<String> {
    let id = check.id.as_str();
    if id == DISTANCE && wish.verb == Verb::Failover {
        // That it covers the bound was checked.
        return Some(match wish.accept_loss {
            AcceptLoss::Nothing => return None,
            AcceptLoss::Seconds(seconds) => format!("--accept-loss {seconds}"),
            AcceptLoss::Unknown => "--accept-loss unknown".to_owned(),
        });
    }
    if id == PENDING {
        let replace = wish.replace.as_ref()?;
        let names_it = verdict.pending_request.as_ref() == Some(replace);
        return names_it.then(|| format!("--replace {replace}"));
    }
    let accepted = check.may_be_accepted && wish.accept.iter().any(|accept| accept == id);
    accepted.then(|| format!("--accept {id}"))
}

fn refusal(wish: &Wish, check: &VerdictCheck) -> Refusal {
    let way_out = check.way_out.as_deref();
    let way_out = way_out.unwrap_or("see docs/operations.md");
    let has_own_word = check.id == DISTANCE && wish.verb == Verb::Failover;
    let way_out = match check.may_be_accepted && !has_own_word {
        true => format!("{way_out}; or override it with --accept {}", check.id),
        false => way_out.to_owned(),
    };
    let id = match check.id.as_str() {
        PENDING => "E205",
        _ => wish.verb.id("E204", "E307"),
    };
    Refusal::new(id, format!("{} {}", check.id, check.fact), way_out)
}

/// What is overridden, for people.
pub(super) fn describe(overrides: &[Override]) -> String {
    let lines = overrides
        .iter()
        .map(|Override { check, fact }| format!("overridden {check}: {fact}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// For a dry run that was not refused.
pub(super) fn exit(verdict: &Verdict) -> Exit {
    match check::exit_of(verdict) {
        // Everything that refuses is overridden.
        Exit::Refused => Exit::Warnings,
        exit => exit,
    }
}
