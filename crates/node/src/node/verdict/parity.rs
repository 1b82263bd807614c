//! Whether this node is what the primary is.

use super::{Finding, Subject, names, ok, refused, warn};
use crate::profile::{NodeProfile, Source, compare_versions, differences, is_decisive};
use std::collections::BTreeMap;

fn unknown() -> Finding {
    refused(
        "not known: the primary has never told this data root of itself",
        "let the standby stream from the primary once; or compare by hand, and accept the check by its id",
    )
}

/// How old the comparison is, unless it is of this moment.
fn basis(subject: &Subject<'_>) -> &'static str {
    match subject.primary.map(|heard| heard.source) {
        Some(Source::Kept) => " (as an earlier process heard it)",
        _ => "",
    }
}

fn compare(
    subject: &Subject<'_>,
    judge: impl FnOnce(&NodeProfile, &NodeProfile) -> Finding,
) -> Finding {
    let Some(primary) = subject.primary else {
        return unknown();
    };
    let mut finding = judge(subject.own, &primary.profile);
    finding.fact += basis(subject);
    finding
}

/// P10: enough cores for the primary's load.
pub(super) fn cores(subject: &Subject<'_>) -> Finding {
    let percent = usize::from(subject.settings.verdict.cores_percent_min);
    compare(subject, |own, primary| {
        let fact = format!(
            "{} cores here, {} at the primary (at least {percent} %)",
            own.cores, primary.cores
        );
        if own.cores * 100 < primary.cores * percent {
            warn(fact, "expect less capacity after the promotion")
        } else {
            ok(fact)
        }
    })
}

/// P11: the same secrets, compared by digest.
pub(super) fn secrets(subject: &Subject<'_>) -> Finding {
    compare(subject, |own, primary| {
        let different = differences(&own.secrets, &primary.secrets);
        if different.is_empty() {
            return ok(match own.secrets.len() {
                0 => "no secret stands in either file".to_owned(),
                all => format!("{all} of {all} digests of secrets are equal"),
            });
        }
        warn(
            format!("different secrets: {}", names(different)),
            "correct them, unless each node is meant to have its own",
        )
    })
}

/// P12: the same configuration, as far as it matters to anybody else.
pub(super) fn settings(subject: &Subject<'_>) -> Finding {
    compare(subject, |own, primary| {
        let different = differences(&own.settings, &primary.settings);
        if different.is_empty() {
            return ok(format!(
                "{} fields that should be equal are",
                own.settings.len()
            ));
        }
        let told = |field: &&str| {
            let value = |settings: &BTreeMap<String, String>| {
                settings.get(*field).cloned().unwrap_or("absent".to_owned())
            };
            let (here, there) = (value(&own.settings), value(&primary.settings));
            format!("{field} is {here} here and {there} at the primary")
        };
        let fact: Vec<String> = different.iter().map(told).collect();
        let fact = fact.join("; ");
        if different.iter().any(|field| is_decisive(field)) {
            refused(fact, "give both nodes the same value, and restart one")
        } else {
            warn(fact, "give both nodes the same value, unless it is meant")
        }
    })
}

/// P15: this binary is no older than the one whose records it has.
pub(super) fn version(subject: &Subject<'_>) -> Finding {
    compare(subject, |own, primary| {
        let fact = format!(
            "version {} here, {} at the primary",
            own.version, primary.version
        );
        match compare_versions(&own.version, &primary.version) {
            Some(order) if order.is_ge() => ok(fact),
            Some(_) => refused(fact, "upgrade this node first"),
            None => refused(
                format!("{fact}: these cannot be compared"),
                "run released binaries on both nodes",
            ),
        }
    })
}

/// P18: whether writes are taken after the promotion, as they are now.
pub(super) fn maintenance(subject: &Subject<'_>) -> Finding {
    let primary = subject.primary.map(|heard| heard.profile.maintenance);
    match (subject.own.maintenance, primary) {
        (true, _) => warn(
            "maintenance is on here: promoted, this node refuses writes",
            "understudy maintenance off, unless that is meant",
        ),
        (false, Some(true)) => warn(
            format!(
                "maintenance is on at the primary{} and not here: promoted, this node takes writes",
                basis(subject)
            ),
            "understudy maintenance on, also for this node, unless that is meant",
        ),
        (false, _) => ok("maintenance is off"),
    }
}
