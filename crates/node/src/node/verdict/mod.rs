//! The verdict: what stands for and against a promotion, check by check.
//!
//! A check that could not be made refuses; it is never skipped. Each has an
//! id, a fact, and a way out; its threshold is in the settings.

mod lease;
mod machine;
mod parity;
mod stream;
mod surroundings;
#[cfg(test)]
mod tests;

pub(super) use surroundings::Surroundings;

use crate::profile::{Heard, NodeProfile};
use crate::settings::Settings;
use crate::status::{Status, Verdict, VerdictCheck};
use std::time::Duration;
use understudy_protocol::{ActivationRequest, Lease, Mode};
use understudy_types::{BootTime, Epoch};

/// All that a verdict is made of, at one moment.
pub(super) struct Subject<'a> {
    pub(super) mode: Mode,
    /// The epoch that the operator believes in, when given.
    pub(super) expected: Option<Epoch>,
    pub(super) settings: &'a Settings,
    pub(super) status: &'a Status,
    pub(super) lease: Option<&'a Lease>,
    /// A request that this node has seen and that can still act.
    pub(super) pending: Option<&'a ActivationRequest>,
    pub(super) own: &'a NodeProfile,
    pub(super) primary: Option<&'a Heard>,
    pub(super) surroundings: &'a Surroundings,
    /// What one flush in a hundred exceeded, of the worst shard.
    pub(super) flush_p99: Option<Duration>,
    /// When this process proved that the store honours conditional writes.
    pub(super) store_proved: BootTime,
    pub(super) now: BootTime,
}

/// Whether an operator may override a check that refuses, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// `--accept ID`.
    Overrides,
    /// Nothing does: the promotion could not work, or would corrupt.
    Cannot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Warn,
    Refused,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Warn => "warn",
            Outcome::Refused => "refused",
        }
    }
}

#[derive(Debug)]
struct Finding {
    outcome: Outcome,
    fact: String,
    way_out: Option<String>,
}

fn ok(fact: impl Into<String>) -> Finding {
    Finding {
        outcome: Outcome::Ok,
        fact: fact.into(),
        way_out: None,
    }
}

fn warn(fact: impl Into<String>, way_out: impl Into<String>) -> Finding {
    Finding {
        outcome: Outcome::Warn,
        fact: fact.into(),
        way_out: Some(way_out.into()),
    }
}

fn refused(fact: impl Into<String>, way_out: impl Into<String>) -> Finding {
    Finding {
        outcome: Outcome::Refused,
        fact: fact.into(),
        way_out: Some(way_out.into()),
    }
}

type Check = (&'static str, Word, fn(&Subject<'_>) -> Finding);

/// Every check that has a subject, in the order in which people read them.
/// docs/cli.md has the same list; a test compares them.
const CHECKS: [Check; 19] = [
    ("P01", Word::Cannot, lease::readable),
    ("P02", Word::Cannot, stream::heartbeat),
    ("P03", Word::Cannot, lease::in_sync),
    ("P04", Word::Overrides, stream::distance),
    ("P05", Word::Cannot, stream::chain),
    ("P06", Word::Cannot, stream::digest),
    ("P07", Word::Cannot, stream::cut),
    ("P08", Word::Overrides, machine::disk),
    ("P09", Word::Overrides, machine::memory),
    ("P10", Word::Overrides, parity::cores),
    ("P11", Word::Overrides, parity::secrets),
    ("P12", Word::Overrides, parity::settings),
    ("P13", Word::Overrides, machine::addresses),
    ("P14", Word::Overrides, machine::certificates),
    ("P15", Word::Overrides, parity::version),
    ("P16", Word::Overrides, stream::others),
    ("P17", Word::Cannot, lease::pending),
    ("P18", Word::Overrides, parity::maintenance),
    ("P20", Word::Cannot, lease::wait),
];

/// P19 only diagnoses, so it is no check that could refuse.
const DIAGNOSIS: Check = ("P19", Word::Cannot, machine::clock);

pub(super) fn verdict(subject: &Subject<'_>) -> Verdict {
    let (last, before) = CHECKS.split_last().expect("there are checks");
    let order = before.iter().chain([&DIAGNOSIS, last]);
    let checks: Vec<VerdictCheck> = order.map(|check| run(check, subject)).collect();
    let has = |outcome: Outcome| checks.iter().any(|check| check.outcome == outcome.word());
    let outcome = if has(Outcome::Refused) {
        "refused"
    } else if has(Outcome::Warn) {
        "ready_with_warnings"
    } else {
        "ready"
    };
    Verdict {
        node: subject.status.node.clone(),
        mode: mode_word(subject.mode).to_owned(),
        outcome: outcome.to_owned(),
        loss_bound: subject.status.loss_bound,
        checks,
        pending_request: subject.pending.map(|pending| pending.id.to_string()),
        took_micros: 0,
    }
}

fn run((id, word, check): &Check, subject: &Subject<'_>) -> VerdictCheck {
    let finding = check(subject);
    VerdictCheck {
        id: (*id).to_owned(),
        outcome: finding.outcome.word().to_owned(),
        fact: finding.fact,
        way_out: finding.way_out,
        may_be_accepted: *word == Word::Overrides,
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Switchover => "switchover",
        Mode::Failover => "failover",
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
