use crate::shard::{Findings, StateComparison};
use understudy_types::{BootTime, Epoch, Lsn, StateAt, StateDigest};

const KEPT: usize = 4;

fn lsn(lsn: u64) -> Lsn {
    Lsn::new(lsn).unwrap()
}

fn state(at: u64, digest: u8) -> StateAt {
    StateAt {
        lsn: lsn(at),
        digest: StateDigest([digest; 32]),
    }
}

fn at(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * 1_000_000_000)
}

fn epoch(epoch: u64) -> Epoch {
    Epoch::new(epoch)
}

/// Follows epoch 3; batches end at 2, 4, 6 …, each state's digest is its Lsn.
fn standby(applied: u64) -> StateComparison {
    let mut comparison = StateComparison::new(KEPT, None);
    comparison.follow(epoch(3));
    for end in (2..=applied).step_by(2) {
        assert_eq!(comparison.applied(state(end, end as u8)), None);
    }
    comparison
}

#[derive(Debug, PartialEq)]
enum Found {
    Nothing,
    Equal(u64),
    Differs(u64),
    NotComparable,
}

fn found(findings: &Findings) -> Found {
    match (findings.diverged, findings.equal, findings.not_comparable) {
        (Some(divergence), ..) => Found::Differs(divergence.lsn.get()),
        (None, Some((lsn, _)), 0) => Found::Equal(lsn.get()),
        (None, None, 0) => Found::Nothing,
        (None, None, _) => Found::NotComparable,
        (None, Some(_), _) => unreachable!("each case is one claim"),
    }
}

#[test]
fn table_of_one_claim() {
    // Applied before the claim, the claim, applied after it, what is found.
    let cases = [
        (6, state(6, 6), 6, Found::Equal(6)),
        (6, state(4, 4), 6, Found::Equal(4)),
        (6, state(6, 9), 6, Found::Differs(6)),
        (6, state(2, 9), 6, Found::Differs(2)),
        (6, state(8, 8), 6, Found::Nothing),
        (6, state(8, 8), 8, Found::Equal(8)),
        (6, state(8, 8), 20, Found::Equal(8)),
        (6, state(8, 9), 8, Found::Differs(8)),
        (0, state(2, 2), 0, Found::Nothing),
        (0, state(2, 2), 4, Found::Equal(2)),
        // Evicted: only the last four ends are kept.
        (12, state(4, 4), 12, Found::NotComparable),
        (12, state(4, 9), 12, Found::NotComparable),
        // No batch of this log ends there.
        (6, state(5, 5), 6, Found::NotComparable),
        (6, state(7, 7), 8, Found::NotComparable),
    ];
    for (before, claim, after, expected) in cases {
        let mut comparison = standby(before);
        let mut alarm = comparison.claimed(epoch(3), claim, at(1));
        for end in (before + 2..=after).step_by(2) {
            alarm = alarm.or(comparison.applied(state(end, end as u8)));
        }
        let case = format!("{before}, {claim:?}, {after}");
        assert_eq!(found(comparison.findings()), expected, "{case}");
        assert_eq!(alarm, comparison.findings().diverged, "{case}");
    }
}

#[test]
fn claim_that_waits_is_compared_before_newer_ones() {
    let mut comparison = standby(2);
    comparison.claimed(epoch(3), state(4, 9), at(1));
    comparison.claimed(epoch(3), state(6, 6), at(2));
    let divergence = comparison.applied(state(4, 4)).unwrap();
    assert_eq!((divergence.lsn, divergence.heard), (lsn(4), at(1)));
    assert_eq!(divergence.here, StateDigest([4; 32]));
    assert_eq!(divergence.there, StateDigest([9; 32]));
}

#[test]
fn first_difference_stays_and_is_told_once() {
    let mut comparison = standby(6);
    let first = comparison.claimed(epoch(3), state(4, 9), at(1));
    assert!(first.is_some());
    assert_eq!(comparison.claimed(epoch(3), state(6, 9), at(2)), None);
    assert_eq!(comparison.claimed(epoch(3), state(2, 2), at(3)), None);
    let findings = comparison.findings();
    assert_eq!((findings.diverged, findings.mismatches), (first, 2));
}

#[test]
fn only_claims_of_the_followed_epoch_count() {
    let mut comparison = standby(6);
    for other in [2, 4] {
        assert_eq!(comparison.claimed(epoch(other), state(6, 9), at(1)), None);
    }
    assert_eq!(*comparison.findings(), Findings::default());
    // A claim of the former epoch that waits is let go with it.
    comparison.claimed(epoch(3), state(8, 9), at(1));
    comparison.follow(epoch(4));
    assert_eq!(comparison.applied(state(8, 8)), None);
    assert_eq!(*comparison.findings(), Findings::default());
}

#[test]
fn cut_forgets_the_digests_of_what_it_removed_and_the_claim_that_waits() {
    let mut comparison = standby(6);
    comparison.claimed(epoch(3), state(8, 9), at(1));
    comparison.cut(Some(lsn(4)));
    assert_eq!(comparison.newest(), Some(state(4, 4)));
    // The log goes on with other records.
    assert_eq!(comparison.applied(state(6, 60)), None);
    assert_eq!(comparison.applied(state(8, 80)), None);
    comparison.claimed(epoch(3), state(6, 60), at(2));
    assert_eq!(found(comparison.findings()), Found::Equal(6));
    comparison.cut(None);
    assert_eq!(comparison.newest(), None);
}

#[test]
fn state_made_anew_is_compared_anew() {
    let mut comparison = standby(6);
    comparison.claimed(epoch(3), state(2, 2), at(1));
    comparison.claimed(epoch(3), state(6, 9), at(2));
    comparison.made_anew(Some(state(6, 9)));
    let findings = *comparison.findings();
    assert_eq!((findings.equal, findings.diverged), (None, None));
    assert_eq!(findings.mismatches, 1, "a counter never goes back");
    assert_eq!(comparison.claimed(epoch(3), state(6, 9), at(3)), None);
    assert_eq!(comparison.findings().equal, Some((lsn(6), at(3))));
}

#[test]
fn old_digests_make_room_for_new_ones() {
    let comparison = standby(100);
    assert_eq!(comparison.newest(), Some(state(100, 100)));
    let mut oldest = comparison.clone();
    oldest.claimed(epoch(3), state(94, 94), at(1));
    assert_eq!(found(oldest.findings()), Found::Equal(94));
    let mut evicted = comparison;
    evicted.claimed(epoch(3), state(92, 92), at(1));
    assert_eq!(found(evicted.findings()), Found::NotComparable);
}
