//! All groups share one order: that of the revisions.

use super::Violation;
use std::collections::BTreeSet;
use std::time::Duration;
use understudy_loadgen::Operation;

pub(super) fn violations(operations: &[Operation]) -> Vec<Violation> {
    let mut violations = doubled(operations);
    violations.extend(went_back(operations));
    violations
}

fn doubled(operations: &[Operation]) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    let written = operations
        .iter()
        .filter(|operation| operation.has_written());
    let revisions = written.filter_map(|operation| Some(operation.answer()?.1.revision()));
    revisions
        .filter(|revision| !seen.insert(*revision))
        .map(|revision| Violation::RevisionTwice { revision })
        .collect()
}

/// What a client was told before a call, by whatever client, is a lower bound
/// of the call's own answer.
fn went_back(operations: &[Operation]) -> Vec<Violation> {
    let mut answered: Vec<(Duration, i64)> = operations
        .iter()
        .filter_map(|operation| operation.answer())
        .map(|(at, answer)| (at, answer.revision()))
        .collect();
    answered.sort();
    let mut called: Vec<&Operation> = operations.iter().collect();
    called.sort_by_key(|operation| operation.called);

    let mut answered = answered.into_iter().peekable();
    let mut known = 0;
    let mut violations = Vec::new();
    for operation in called {
        while let Some((_, revision)) = answered.next_if(|(at, _)| *at < operation.called) {
            known = known.max(revision);
        }
        let Some((_, answer)) = operation.answer() else {
            continue;
        };
        let lowest = known + i64::from(operation.has_written());
        if answer.revision() < lowest {
            violations.push(Violation::RevisionWentBack {
                revision: answer.revision(),
                before: known,
            });
        }
    }
    violations
}
