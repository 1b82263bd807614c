//! Histories whose verdict is known.

use super::{Violation, violations};
use std::time::Duration;
use understudy_loadgen::{
    Act, Answer, History, Key, Operation, Outcome, Pair, Seen, Sighting, WatchedEvent,
};

const A: Key = Key::First;
const B: Key = Key::Second;

fn seen(value: u64, mod_revision: i64, version: i64) -> Option<Seen> {
    Some(Seen {
        value,
        mod_revision,
        version,
    })
}

fn done(called: u64, at: u64, act: Act, answer: Answer) -> Operation {
    Operation {
        group: 0,
        act,
        called: Duration::from_millis(called),
        outcome: Outcome::Answered {
            at: Duration::from_millis(at),
            answer,
        },
    }
}

fn unknown(called: u64, act: Act) -> Operation {
    Operation {
        group: 0,
        act,
        called: Duration::from_millis(called),
        outcome: Outcome::Unknown,
    }
}

fn put(called: u64, at: u64, value: u64, revision: i64, before: Option<Seen>) -> Operation {
    let act = Act::Put { key: A, value };
    done(called, at, act, Answer::Replaced { revision, before })
}

fn delete(called: u64, at: u64, revision: i64, before: Option<Seen>) -> Operation {
    let answer = Answer::Replaced { revision, before };
    done(called, at, Act::Delete { key: A }, answer)
}

fn read(called: u64, at: u64, revision: i64, found: Pair) -> Operation {
    done(called, at, Act::Read, Answer::Read { revision, found })
}

fn swap(expected: i64, value: u64) -> Act {
    Act::Swap {
        key: A,
        revision: expected,
        value,
    }
}

fn judged(operations: Vec<Operation>) -> Vec<Violation> {
    violations(&History {
        groups: 1,
        replayed: events(&operations),
        operations,
        ..History::default()
    })
}

/// What the log would hold of these.
fn events(operations: &[Operation]) -> Vec<Sighting> {
    let written = operations
        .iter()
        .filter(|operation| operation.has_written());
    let mut revisions: Vec<i64> = written
        .filter_map(|operation| Some(operation.answer()?.1.revision()))
        .collect();
    revisions.sort();
    revisions
        .into_iter()
        .map(|revision| event(revision, "a"))
        .collect()
}

fn event(revision: i64, key: &str) -> Sighting {
    Sighting::Event(WatchedEvent {
        revision,
        key: key.to_owned().into(),
        value: None,
    })
}

#[track_caller]
fn is_explained(operations: Vec<Operation>) {
    assert_eq!(judged(operations), []);
}

#[track_caller]
fn is_not_linearizable(operations: Vec<Operation>) {
    let found = judged(operations);
    let is_it = |found: &Violation| matches!(found, Violation::NotLinearizable { .. });
    assert!(found.iter().any(is_it), "{found:?}");
}

#[test]
fn one_after_the_other_is_explained() {
    is_explained(vec![
        read(1, 2, 1, [None, None]),
        put(3, 4, 7, 2, None),
        read(5, 6, 2, [seen(7, 2, 1), None]),
        put(7, 8, 8, 3, seen(7, 2, 1)),
        delete(9, 10, 4, seen(8, 3, 2)),
        delete(11, 12, 4, None),
        read(13, 14, 4, [None, None]),
    ]);
}

#[test]
fn overlapping_operations_may_come_in_either_order() {
    let first = put(1, 10, 7, 2, None);
    let second = put(2, 9, 8, 3, seen(7, 2, 1));
    is_explained(vec![first, second, read(3, 4, 2, [seen(7, 2, 1), None])]);
    is_explained(vec![first, second, read(3, 4, 1, [None, None])]);
}

#[test]
fn read_of_what_was_overwritten_before_it_began_is_stale() {
    is_not_linearizable(vec![
        put(1, 2, 7, 2, None),
        put(3, 4, 8, 3, seen(7, 2, 1)),
        read(5, 6, 2, [seen(7, 2, 1), None]),
    ]);
}

#[test]
fn two_reads_that_see_two_writes_in_different_orders_are_refused() {
    is_not_linearizable(vec![
        put(1, 20, 7, 2, None),
        put(1, 20, 8, 3, seen(7, 2, 1)),
        read(2, 3, 3, [seen(8, 3, 2), None]),
        read(4, 5, 2, [seen(7, 2, 1), None]),
    ]);
}

#[test]
fn acknowledged_write_that_nobody_sees_afterwards_is_lost() {
    is_not_linearizable(vec![put(1, 2, 7, 2, None), read(3, 4, 2, [None, None])]);
}

#[test]
fn write_that_was_applied_twice_is_noticed() {
    is_not_linearizable(vec![
        put(1, 2, 7, 2, None),
        read(3, 4, 3, [seen(7, 3, 2), None]),
    ]);
}

#[test]
fn deleted_key_does_not_come_back() {
    is_not_linearizable(vec![
        put(1, 2, 7, 2, None),
        delete(3, 4, 3, seen(7, 2, 1)),
        read(5, 6, 3, [seen(7, 2, 1), None]),
    ]);
}

#[test]
fn half_of_a_transaction_is_never_seen() {
    let swapped = Answer::Swapped {
        revision: 2,
        before: [None, None],
    };
    let whole = done(1, 10, swap(0, 7), swapped);
    is_explained(vec![whole, read(2, 3, 2, [seen(7, 2, 1), seen(7, 2, 1)])]);
    is_not_linearizable(vec![whole, read(2, 3, 2, [seen(7, 2, 1), None])]);
}

#[test]
fn transaction_takes_the_branch_of_its_comparison() {
    let swapped = |revision, before| Answer::Swapped { revision, before };
    let first = put(1, 2, 7, 2, None);
    let before = [seen(7, 2, 1), None];
    is_explained(vec![first, done(3, 4, swap(2, 8), swapped(3, before))]);
    is_not_linearizable(vec![first, done(3, 4, swap(0, 8), swapped(3, before))]);
    let refused = Answer::NotSwapped {
        revision: 2,
        found: before,
    };
    is_explained(vec![first, done(3, 4, swap(0, 8), refused)]);
    is_not_linearizable(vec![first, done(3, 4, swap(2, 8), refused)]);
}

#[test]
fn two_transactions_on_one_state_do_not_both_succeed() {
    let swapped = |revision, before| Answer::Swapped { revision, before };
    is_not_linearizable(vec![
        done(1, 10, swap(0, 7), swapped(2, [None, None])),
        done(1, 10, swap(0, 8), swapped(3, [None, None])),
    ]);
}

#[test]
fn unknown_write_may_happen_at_any_later_time_or_never() {
    let open = unknown(1, Act::Put { key: A, value: 7 });
    is_explained(vec![open, read(2, 3, 1, [None, None])]);
    is_explained(vec![open, read(2, 3, 2, [seen(7, 2, 1), None])]);
    is_explained(vec![
        open,
        read(2, 3, 1, [None, None]),
        put(4, 5, 8, 2, None),
        read(6, 7, 3, [seen(7, 3, 2), None]),
    ]);
}

#[test]
fn unknown_write_does_not_happen_before_its_call_nor_twice() {
    let open = unknown(4, Act::Put { key: A, value: 7 });
    is_not_linearizable(vec![read(1, 2, 2, [seen(7, 2, 1), None]), open]);
    is_not_linearizable(vec![
        open,
        read(5, 6, 2, [seen(7, 2, 1), None]),
        put(7, 8, 8, 3, seen(7, 2, 1)),
        read(9, 10, 4, [seen(7, 4, 3), None]),
    ]);
}

#[test]
fn unknown_transaction_and_delete_change_all_or_nothing() {
    let open = unknown(1, swap(0, 7));
    is_explained(vec![open, read(2, 3, 2, [seen(7, 2, 1), seen(7, 2, 1)])]);
    is_not_linearizable(vec![open, read(2, 3, 2, [None, seen(7, 2, 1)])]);
    is_explained(vec![
        put(1, 2, 7, 2, None),
        unknown(3, Act::Delete { key: A }),
        read(4, 5, 3, [None, None]),
    ]);
    is_not_linearizable(vec![
        put(1, 2, 7, 2, None),
        unknown(3, Act::Delete { key: B }),
        read(4, 5, 3, [None, None]),
    ]);
}

#[test]
fn shortest_beginning_ends_with_what_cannot_be_explained() {
    let stale = read(5, 6, 2, [seen(7, 2, 1), None]);
    let found = judged(vec![
        put(1, 2, 7, 2, None),
        put(3, 4, 8, 3, seen(7, 2, 1)),
        stale,
        read(7, 8, 3, [seen(8, 3, 2), None]),
    ]);
    let Some(Violation::NotLinearizable { operations, .. }) = found.first() else {
        panic!("{found:?}");
    };
    assert_eq!(operations.last(), Some(&stale));
}

#[test]
fn revisions_hold_the_groups_together() {
    let mut elsewhere = put(3, 4, 8, 2, None);
    elsewhere.group = 1;
    let operations = vec![put(1, 2, 7, 3, None), elsewhere];
    let history = History {
        groups: 2,
        replayed: events(&operations),
        operations,
        ..History::default()
    };
    let back = Violation::RevisionWentBack {
        revision: 2,
        before: 3,
    };
    assert_eq!(violations(&history), [back]);
    let twice = vec![
        put(1, 2, 7, 2, None),
        Operation {
            group: 1,
            ..put(1, 2, 8, 2, None)
        },
    ];
    let history = History {
        groups: 2,
        replayed: events(&twice),
        operations: twice,
        ..History::default()
    };
    let found = violations(&history);
    assert!(
        found.contains(&Violation::RevisionTwice { revision: 2 }),
        "{found:?}"
    );
}

fn watched(sightings: Vec<Sighting>, replayed: Vec<Sighting>) -> Vec<Violation> {
    violations(&History {
        watched: vec![sightings],
        replayed,
        ..History::default()
    })
}

#[test]
fn watcher_sees_every_change_once_and_in_order() {
    let all = || vec![event(2, "a"), event(3, "a"), event(3, "b"), event(5, "a")];
    assert_eq!(watched(all(), all()), []);
    let mut wrong = Vec::new();
    for index in 0..4 {
        let mut gap = all();
        gap.remove(index);
        wrong.push(gap);
        let mut twice = all();
        twice.insert(index, all()[index].clone());
        wrong.push(twice);
    }
    wrong.push(vec![
        event(3, "a"),
        event(2, "a"),
        event(3, "b"),
        event(5, "a"),
    ]);
    for sightings in wrong {
        assert_eq!(watched(sightings.clone(), all()).len(), 1, "{sightings:?}");
    }
}

#[test]
fn watcher_that_was_told_compacted_goes_on_there() {
    let compacted = Sighting::Compacted { revision: 10 };
    let lost = event(3, "lost");
    let replayed = vec![compacted.clone(), event(11, "a")];
    let told = vec![
        event(2, "a"),
        lost.clone(),
        compacted.clone(),
        event(11, "a"),
    ];
    assert_eq!(watched(told, replayed.clone()), []);
    let behind = vec![event(2, "a"), lost, compacted];
    assert_eq!(watched(behind, replayed).len(), 1);
}

#[test]
fn acknowledged_change_is_among_the_events() {
    let history = History {
        groups: 1,
        operations: vec![put(1, 2, 7, 2, None)],
        ..History::default()
    };
    assert_eq!(
        violations(&history),
        [Violation::NotInTheLog { revision: 2 }]
    );
}
