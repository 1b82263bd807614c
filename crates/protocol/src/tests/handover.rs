use super::rig::*;
use crate::control::{Event, RoleName};
use crate::*;
use understudy_types::{Epoch, Nonce};

fn switchover(to: &str) -> ActivationRequest {
    ActivationRequest {
        mode: Mode::Switchover,
        ..failover(to, 2, AcceptLoss::Nothing)
    }
}

fn peer(lsn: u64) -> Event {
    Event::PeerFlushed {
        peer: member("b").standby_id(),
        heads: heads(lsn),
    }
}

/// A primary that has written its successor into the lease.
fn announced() -> Rig {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(peer(6));
    rig.step(Event::ActivationGiven(switchover("b")));
    rig.step(Event::Sealed(heads(6)));
    rig.step(Event::Answered);
    rig.applies();
    rig
}

#[test]
fn switchover_holds_seals_confirms_revokes_and_names_the_successor() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(peer(6));
    rig.step(Event::ActivationGiven(switchover("b")));
    assert!(rig.asked(&Action::HoldWrites));
    rig.step(Event::Sealed(heads(7)));
    rig.step(Event::Answered);
    assert!(!rig.asked(&Action::Revoke), "the target does not have it");
    rig.step(peer(7));
    let revoke = rig.out.iter().position(|action| *action == Action::Revoke);
    let write = rig
        .out
        .iter()
        .position(|a| matches!(a, Action::WriteLease { .. }));
    assert!(
        revoke.unwrap() < write.unwrap(),
        "silent before others may serve"
    );
    let handover = rig.written().1.handover.unwrap();
    assert_eq!((handover.successor, handover.sealed), (node("b"), heads(7)));
    rig.applies();
    assert!(rig.asked(&Action::HintStandbys));
}

#[test]
fn writes_that_are_unanswered_hold_a_switchover_back() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(peer(6));
    rig.step(Event::ActivationGiven(switchover("b")));
    rig.step(Event::Sealed(heads(6)));
    assert!(!rig.asked(&Action::Revoke));
    rig.passes(millis(2100));
    assert!(
        rig.asked(&Action::ResumeWrites),
        "given up in its own epoch"
    );
    assert_eq!(rig.role(), RoleName::Primary);
}

#[test]
fn withdrawn_handover_brings_the_primary_back_in_its_epoch() {
    let mut rig = announced();
    rig.passes(millis(2100));
    assert_eq!(rig.written().1.handover, None);
    rig.applies();
    assert!(rig.asked(&Action::ResumeWrites));
    let granted = rig
        .out
        .iter()
        .any(|a| matches!(a, Action::Grant { epoch, .. } if *epoch == Epoch::new(2)));
    assert!(granted, "{:?}", rig.out);
}

#[test]
fn renewal_during_a_handover_grants_nothing() {
    let rig = announced();
    let granted = rig.out.iter().any(|a| matches!(a, Action::Grant { .. }));
    assert!(!granted);
}

#[test]
fn successor_takes_the_epoch_without_a_wait() {
    let mut rig = Rig::new("b", 6, announced().stored);
    assert_eq!(rig.promises(), Epoch::new(3));
    rig.stops(6);
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch),
        (LeaseState::Held, Epoch::new(3))
    );
    assert_eq!(lease.activation.unwrap().id, RequestId::from_bytes([1; 16]));
    assert_eq!(lease.handover, None);
    assert!(!lease.history.last().unwrap().lossy);
}

#[test]
fn successor_that_does_not_stand_at_the_seal_only_follows() {
    let stored = announced().stored;
    let mut rig = Rig::new("b", 5, stored);
    assert_eq!(rig.promises(), Epoch::new(2));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn promotion_stops_when_the_handover_is_withdrawn() {
    let stored = announced().stored;
    let mut rig = Rig::new("b", 6, stored.clone());
    rig.promises();
    rig.sees(Lease {
        handover: None,
        nonce: Nonce::from_bytes([3; 16]),
        ..stored
    });
    assert_eq!(rig.role(), RoleName::Standby);
    assert!(
        !rig.out
            .iter()
            .any(|a| matches!(a, Action::WriteLease { .. }))
    );
}

#[test]
fn old_primary_closes_and_follows_its_successor() {
    let mut rig = announced();
    rig.sees(held("b", 3, AckPolicy::Local));
    assert!(rig.asked(&Action::Close));
    rig.promises();
    assert!(rig.out.iter().any(|a| matches!(a, Action::Follow { .. })));
}

#[test]
fn target_that_does_not_stream_is_refused() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::ActivationGiven(switchover("b")));
    assert_eq!(rig.refusals(), ["E202"]);
}

#[test]
fn shutdown_releases_the_lease_with_its_seal_and_keeps_the_epoch() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::Shutdown);
    rig.step(Event::Sealed(heads(6)));
    rig.step(Event::Answered);
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch),
        (LeaseState::Released, Epoch::new(2))
    );
    assert_eq!(lease.sealed, Some(heads(6)));
    rig.applies();
    assert!(rig.asked(&Action::Close) && rig.asked(&Action::Exit));
}
