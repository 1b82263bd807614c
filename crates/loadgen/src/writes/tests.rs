use super::ledger::{AckedWrites, Told};
use super::naming::{Attempt, Naming};
use super::pause::PauseMeter;
use super::{Verification, WriteCounts};
use std::time::Duration;
use understudy_wire::etcd::mvccpb::KeyValue;

/// One writer with an acked, an unknown and a refused attempt.
fn writes() -> AckedWrites {
    AckedWrites {
        naming: Naming::new("t/", 7, 64),
        told: vec![vec![
            Told::Acked { revision: 2 },
            Told::Unknown,
            Told::Refused,
        ]],
        failures: Default::default(),
        connects_failed: 0,
        pause: None,
        seconds: 1.0,
    }
}

fn entry(writes: &AckedWrites, number: u64, revision: i64) -> KeyValue {
    let attempt = Attempt { writer: 0, number };
    KeyValue {
        key: writes.naming.key(attempt),
        value: writes.naming.value(attempt),
        create_revision: revision,
        mod_revision: revision,
        version: 1,
        lease: 0,
    }
}

fn violated(verification: &Verification) -> Vec<&'static str> {
    verification
        .violations()
        .filter(|(_, violation)| violation.count > 0)
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_attempt_counts_once() {
    let expected = WriteCounts {
        acked: 1,
        refused: 1,
        unknown: 1,
    };
    assert_eq!(writes().counts(), expected);
}

#[test]
fn acked_write_as_acked_is_confirmed_and_unknown_may_go_either_way() {
    let writes = writes();
    let absent = Verification::of(&writes, &[entry(&writes, 0, 2)]);
    assert!(absent.passed());
    assert_eq!((absent.confirmed, absent.unknown_absent), (1, 1));
    let present = Verification::of(&writes, &[entry(&writes, 0, 2), entry(&writes, 1, 3)]);
    assert!(present.passed());
    assert_eq!((present.unknown_present, present.unknown_absent), (1, 0));
}

#[test]
fn acked_write_that_is_absent_is_missing_and_named() {
    let writes = writes();
    let verification = Verification::of(&writes, &[]);
    assert_eq!(violated(&verification), ["missing"]);
    assert_eq!(
        verification.missing.keys,
        ["t/0000000000000007/00000/000000000000"]
    );
}

#[test]
fn write_at_version_two_is_doubled_even_when_its_outcome_was_unknown() {
    let writes = writes();
    for number in [0, 1] {
        let mut found = vec![entry(&writes, 0, 2)];
        found.retain(|_| number == 1);
        found.push(KeyValue {
            version: 2,
            ..entry(&writes, number, 3)
        });
        assert_eq!(violated(&Verification::of(&writes, &found)), ["doubled"]);
    }
}

#[test]
fn another_value_another_revision_and_a_refused_write_are_violations() {
    let writes = writes();
    let good = entry(&writes, 0, 2);
    let altered = KeyValue {
        value: "else".into(),
        ..good.clone()
    };
    assert_eq!(
        violated(&Verification::of(&writes, &[altered])),
        ["altered"]
    );
    let moved = entry(&writes, 0, 9);
    assert_eq!(violated(&Verification::of(&writes, &[moved])), ["moved"]);
    let refused = entry(&writes, 2, 4);
    let found = [good, refused];
    assert_eq!(
        violated(&Verification::of(&writes, &found)),
        ["refused, present"]
    );
}

#[test]
fn key_that_no_attempt_has_is_foreign() {
    let writes = writes();
    let good = entry(&writes, 0, 2);
    for key in [
        "t/0000000000000007/00000/1",
        "t/0000000000000007/00009/000000000000",
        "x",
    ] {
        let foreign = KeyValue {
            key: key.into(),
            ..good.clone()
        };
        let found = [good.clone(), foreign];
        assert_eq!(
            violated(&Verification::of(&writes, &found)),
            ["foreign"],
            "{key}"
        );
    }
}

#[test]
fn longest_pause_is_between_two_successes_or_up_to_the_end() {
    let millis = Duration::from_millis;
    let mut meter = PauseMeter::default();
    assert_eq!(meter.longest(millis(50)), None);
    for moment in [10, 20, 500, 490, 510] {
        meter.observe(millis(moment));
    }
    let inside = meter.longest(millis(600)).unwrap();
    assert_eq!((inside.from_seconds, inside.seconds), (0.02, 0.48));
    assert!(inside.ended_by_success);
    let tail = meter.longest(millis(2000)).unwrap();
    assert_eq!((tail.from_seconds, tail.seconds), (0.51, 1.49));
    assert!(!tail.ended_by_success);
}
