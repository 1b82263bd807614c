//! Going on by the standbys' word while the store is away.

use super::rig::*;
use crate::control::{Event, Failsafe, RoleName};
use crate::*;
use std::collections::BTreeSet;
use understudy_types::Epoch;

fn streams(rig: &mut Rig, name: &str) {
    rig.step(Event::PeerFlushed {
        peer: member(name).standby_id(),
        heads: heads(6),
    });
}

fn vouches(rig: &mut Rig, name: &str, round: u64) {
    rig.step(Event::PeerVouched {
        peer: member(name).standby_id(),
        round,
    });
}

fn asked(rig: &Rig) -> Option<u64> {
    rig.out.iter().find_map(|action| match action {
        Action::AskToVouch(round) => Some(*round),
        _ => None,
    })
}

fn granted(rig: &Rig) -> bool {
    rig.out
        .iter()
        .any(|action| matches!(action, Action::Grant { .. }))
}

/// Node `a`, primary; `b` and `c` stream, and the lease names both. Then the
/// store falls silent, in the middle of a renewal.
fn primary_without_store(policy: AckPolicy) -> Rig {
    let mut rig = primary_with(policy, &["b"], Failsafe::On);
    streams(&mut rig, "b");
    streams(&mut rig, "c");
    rig.passes(millis(2000));
    let electors: BTreeSet<_> = ["b", "c"].map(|name| member(name).standby_id()).into();
    assert_eq!(rig.written().1.failsafe, Some(electors));
    rig.applies();
    rig.store_is_silent = true;
    rig.passes(millis(2000));
    rig.passes(millis(1600));
    rig
}

/// Time goes on until another round is asked for; its number.
fn next_round(rig: &mut Rig) -> u64 {
    for _ in 0..20 {
        rig.passes(millis(200));
        if let Some(round) = asked(rig) {
            return round;
        }
    }
    panic!("no round is asked for");
}

#[test]
fn primary_goes_on_only_while_everybody_answers() {
    let mut rig = primary_without_store(AckPolicy::Local);
    let first = next_round(&mut rig);
    vouches(&mut rig, "b", first);
    assert!(!granted(&rig), "c has not answered");
    vouches(&mut rig, "c", first);
    assert!(granted(&rig), "{:?}", rig.out);
    // Nine seconds after the round began, whoever answered or not.
    rig.passes(millis(8000));
    streams(&mut rig, "b");
    assert_eq!(rig.role(), RoleName::Primary);
    rig.passes(millis(1100));
    assert_eq!(rig.role(), RoleName::Lapsed);
    let newest = next_round(&mut rig);
    vouches(&mut rig, "b", newest);
    vouches(&mut rig, "c", first);
    assert_eq!(rig.role(), RoleName::Lapsed, "an old answer is no answer");
    vouches(&mut rig, "c", newest);
    assert_eq!(rig.role(), RoleName::Primary);
}

#[test]
fn answer_carries_from_when_its_round_began_and_not_from_when_it_came() {
    let mut rig = primary_without_store(AckPolicy::Local);
    let round = next_round(&mut rig);
    let began = rig.now;
    rig.passes(millis(900));
    vouches(&mut rig, "b", round);
    vouches(&mut rig, "c", round);
    let deadline = rig.control.view(rig.now).deadline.unwrap();
    assert!(
        deadline <= began + millis(9000),
        "{deadline:?} after {began:?}"
    );
}

#[test]
fn without_failsafe_no_word_is_asked_for() {
    let mut rig = primary_with(AckPolicy::Local, &[], Failsafe::Off);
    streams(&mut rig, "b");
    rig.passes(millis(2000));
    assert_eq!(rig.written().1.failsafe, None);
    rig.applies();
    rig.store_is_silent = true;
    for _ in 0..50 {
        rig.passes(millis(200));
        assert_eq!(asked(&rig), None);
    }
    assert_eq!(rig.role(), RoleName::Lapsed);
}

/// Node `b`, following `a` in epoch 4.
fn elector(named: &[&str]) -> Rig {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.in_sync = [member("b").standby_id()].into();
    let named = named.iter().map(|name| member(name).standby_id());
    lease.failsafe = Some(named.collect());
    let mut rig = Rig::new("b", 8, lease);
    rig.promises();
    rig
}

fn failover_is_refused(rig: &mut Rig, id: u8) -> Vec<&'static str> {
    let mut request = failover("b", 4, AcceptLoss::Unknown);
    request.id = RequestId::from_bytes([id; 16]);
    rig.step(Event::ActivationGiven(request));
    rig.refusals()
}

#[test]
fn node_that_gave_its_word_takes_nothing_until_it_has_run_out() {
    let mut rig = elector(&["b"]);
    assert_eq!(
        failover_is_refused(&mut rig, 1),
        ["E317"],
        "a start may have forgotten one"
    );
    rig.passes(millis(11_100));
    let epoch = Epoch::new(4);
    rig.step(Event::VouchAsked { epoch, round: 7 });
    assert!(rig.asked(&Action::Vouch { epoch, round: 7 }));
    rig.passes(millis(10_900));
    assert_eq!(failover_is_refused(&mut rig, 2), ["E317"]);
    rig.passes(millis(200));
    assert!(failover_is_refused(&mut rig, 3).is_empty());
    assert_eq!(rig.promises(), Epoch::new(5));
    rig.step(Event::VouchAsked { epoch, round: 8 });
    assert!(
        rig.out.iter().all(|a| !matches!(a, Action::Vouch { .. })),
        "it is on its way"
    );
}

#[test]
fn word_is_given_to_nobody_but_the_holder_that_is_followed() {
    let mut rig = elector(&["b"]);
    let older = Epoch::new(3);
    rig.step(Event::VouchAsked {
        epoch: older,
        round: 7,
    });
    assert!(!rig.asked(&Action::Vouch {
        epoch: older,
        round: 7
    }));
}

#[test]
fn node_that_is_not_named_takes_nothing_without_evidence() {
    let mut rig = elector(&["c"]);
    rig.passes(millis(11_100));
    assert_eq!(failover_is_refused(&mut rig, 1), ["E316"]);
    let mut request = failover("b", 4, AcceptLoss::Unknown);
    request.id = RequestId::from_bytes([2; 16]);
    request.fenced_by = Some("power off, ticket 7".to_owned());
    rig.step(Event::ActivationGiven(request));
    assert!(rig.refusals().is_empty());
    assert_eq!(rig.promises(), Epoch::new(5));
}

#[test]
fn primary_asks_for_nothing_while_the_lease_may_name_nobody() {
    let mut rig = primary_with(AckPolicy::Local, &[], Failsafe::On);
    assert_eq!(rig.stored.failsafe, Some(BTreeSet::new()), "nobody yet");
    rig.store_is_silent = true;
    // Names nobody, and its outcome stays unknown.
    rig.passes(millis(2000));
    assert_eq!(rig.written().1.failsafe, Some(BTreeSet::new()));
    for _ in 0..30 {
        streams(&mut rig, "b");
        rig.passes(millis(200));
        assert_eq!(asked(&rig), None);
    }
}

#[test]
fn word_binds_whatever_the_lease_names() {
    let mut rig = elector(&[]);
    let epoch = Epoch::new(4);
    rig.step(Event::VouchAsked { epoch, round: 7 });
    assert!(rig.asked(&Action::Vouch { epoch, round: 7 }));
    assert_eq!(failover_is_refused(&mut rig, 1), ["E317"]);
}
