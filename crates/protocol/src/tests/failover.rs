use super::rig::*;
use crate::control::{Event, RoleName};
use crate::*;
use understudy_types::Epoch;

fn standby(policy: AckPolicy, in_sync: &[&str]) -> Rig {
    let mut lease = held("a", 4, policy);
    lease.in_sync = in_sync
        .iter()
        .map(|name| member(name).standby_id())
        .collect();
    let mut rig = Rig::new("b", 8, lease);
    rig.promises();
    rig
}

#[test]
fn in_sync_standby_promises_claims_waits_and_holds_without_loss() {
    let mut rig = standby(AckPolicy::Replicated, &["b"]);
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
    assert!(rig.asked(&Action::DrainFollowing));
    assert_eq!(rig.promises(), Epoch::new(5));
    let (_, claim) = rig.written();
    assert_eq!(
        (claim.state, claim.epoch),
        (LeaseState::Claimed, Epoch::new(5))
    );
    assert_eq!(
        claim.activation.as_ref().unwrap().id,
        RequestId::from_bytes([1; 16])
    );
    rig.applies();
    assert_eq!(rig.role(), RoleName::Claimed);
    rig.passes(millis(10_900));
    assert!(
        !rig.asked(&Action::StopFollowing),
        "the old lease still runs"
    );
    rig.passes(millis(200));
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(8);
    assert_eq!(rig.written().1.state, LeaseState::Held);
    rig.applies();
    assert!(rig.asked(&Action::Open {
        epoch: Epoch::new(5),
        lossy: false
    }));
}

#[test]
fn end_of_the_old_primary_ends_the_wait_and_the_loss() {
    let mut rig = standby(AckPolicy::Local, &[]);
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Unknown,
    )));
    rig.promises();
    rig.applies();
    rig.step(Event::PrimaryEnded(Epoch::new(4)));
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(9);
    assert!(!rig.written().1.history.last().unwrap().lossy);
}

#[test]
fn loss_that_nobody_accepted_is_refused() {
    let mut rig = standby(AckPolicy::Local, &[]);
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Seconds(60),
    )));
    assert_eq!(rig.refusals(), ["E303"], "the primary was never heard");
    rig.knows(8, 9, millis(3000));
    let mut request = failover("b", 4, AcceptLoss::Seconds(2));
    request.id = RequestId::from_bytes([2; 16]);
    rig.step(Event::ActivationGiven(request.clone()));
    assert_eq!(rig.refusals(), ["E303"]);
    request.id = RequestId::from_bytes([3; 16]);
    request.accept_loss = AcceptLoss::Seconds(3);
    rig.step(Event::ActivationGiven(request));
    assert_eq!(rig.promises(), Epoch::new(5));
}

#[test]
fn loss_is_judged_again_on_the_object_that_is_taken_over() {
    let mut rig = standby(AckPolicy::Replicated, &["b"]);
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
    let mut without = rig.stored.clone();
    without.in_sync.clear();
    rig.sees(without);
    rig.step(Event::PromisePersisted(Epoch::new(5)));
    assert_eq!(rig.refusals(), ["E303"]);
    assert_eq!(rig.role(), RoleName::Standby);
    assert!(
        rig.asked(&Action::StopFollowing),
        "it begins to follow anew"
    );
}

#[test]
fn request_is_void_once_the_epoch_has_moved_even_below_the_promise() {
    let mut rig = standby(AckPolicy::Replicated, &["b"]);
    rig.step(Event::PromisePersisted(Epoch::new(7)));
    let mut request = failover("b", 4, AcceptLoss::Unknown);
    request.fenced_by = Some("power off".to_owned());
    rig.step(Event::ActivationGiven(request));
    // The old holder has started again and serves epoch 5.
    rig.sees(held("a", 5, AckPolicy::Replicated));
    assert_eq!(rig.refusals(), ["E301"]);
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn stale_expired_foreign_and_repeated_requests_have_no_effect() {
    type Change = fn(&mut ActivationRequest);
    let cases: [(&str, Change); 4] = [
        ("E301", |r| r.expect_epoch = Epoch::new(3)),
        ("E301", |r| {
            r.cluster = understudy_types::ClusterId::from_bytes([0; 16])
        }),
        ("E301", |r| r.expect_holder = Some(node("c"))),
        ("E302", |r| r.not_after_ms = 1),
    ];
    for (code, change) in cases {
        let mut rig = standby(AckPolicy::Local, &[]);
        let mut request = failover("b", 4, AcceptLoss::Unknown);
        change(&mut request);
        rig.step(Event::ActivationGiven(request.clone()));
        assert_eq!(rig.refusals(), [code]);
        rig.step(Event::ActivationGiven(request));
        assert_eq!(rig.refusals(), [""; 0], "said once");
        assert_eq!(rig.role(), RoleName::Standby);
    }
}

#[test]
fn request_for_another_node_is_left_alone() {
    let mut rig = standby(AckPolicy::Local, &[]);
    rig.step(Event::ActivationGiven(failover(
        "c",
        4,
        AcceptLoss::Unknown,
    )));
    assert_eq!((rig.refusals(), rig.role()), (vec![], RoleName::Standby));
}

#[test]
fn known_facts_outlive_the_stream() {
    let mut rig = standby(AckPolicy::Local, &[]);
    rig.knows(8, 8, millis(500));
    rig.step(rig.has(8));
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Seconds(1),
    )));
    assert_eq!(rig.refusals(), [""; 0]);
}

#[test]
fn evidence_skips_the_wait_for_a_holder_and_not_for_a_claims_maker() {
    for (state, taken) in [
        (LeaseState::Held, LeaseState::Held),
        (LeaseState::Claimed, LeaseState::Claimed),
    ] {
        let mut rig = standby(AckPolicy::Replicated, &["b"]);
        let mut lease = held("a", 4, AckPolicy::Replicated);
        lease.state = state;
        lease.in_sync = rig.stored.in_sync.clone();
        rig.sees(lease);
        let mut request = failover("b", 4, AcceptLoss::Nothing);
        request.fenced_by = Some("power off".to_owned());
        rig.step(Event::ActivationGiven(request));
        rig.promises();
        if taken == LeaseState::Held {
            rig.stops(8);
        }
        assert_eq!(rig.written().1.state, taken);
    }
}

#[test]
fn claim_of_a_former_process_is_waited_out_again() {
    let mut lease = held("b", 5, AckPolicy::Replicated);
    lease.state = LeaseState::Claimed;
    lease.holder.as_mut().unwrap().incarnation = understudy_types::Nonce::from_bytes([0; 16]);
    lease.in_sync = [member("b").standby_id()].into();
    let mut rig = Rig::new("b", 8, lease);
    assert_eq!(rig.promises(), Epoch::new(6));
    assert_eq!(rig.written().1.state, LeaseState::Claimed);
    rig.applies();
    rig.passes(millis(11_100));
    rig.stops(8);
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch),
        (LeaseState::Held, Epoch::new(6))
    );
    assert!(!lease.history.last().unwrap().lossy, "it is in the set");
}

#[test]
fn word_of_an_epoch_that_was_taken_over_holds_until_its_successor_may_have_begun() {
    let mut rig = standby(AckPolicy::Local, &[]);
    let confirmed = rig.now;
    rig.step(Event::Knock);
    let mut next = held("c", 5, AckPolicy::Local);
    next.history.insert(0, rig.stored.history[0].clone());
    // The old primary does not know yet, and goes on saying that it has
    // nothing new.
    rig.now = rig.now + millis(8000);
    rig.sees_later(next);
    rig.step(Event::Knock);
    rig.knows_of(4, 8, 8, millis(100));
    rig.reads();
    rig.promises();
    rig.now = rig.now + millis(1000);
    let bound = rig.control.view(rig.now).loss_bound;
    let within = rig.now.since(confirmed);
    let recent = LossBound::Recent {
        records_known: 0,
        within,
    };
    assert_eq!(bound, Some(recent));
    rig.knows_of(4, 8, 8, millis(0));
    assert_eq!(rig.control.view(rig.now).loss_bound, Some(recent));
    rig.knows_of(5, 8, 8, millis(100));
    let newest = LossBound::Recent {
        records_known: 0,
        within: millis(100),
    };
    assert_eq!(rig.control.view(rig.now).loss_bound, Some(newest));
}

#[test]
fn bound_that_is_shown_later_has_grown_by_then() {
    let mut rig = standby(AckPolicy::Local, &[]);
    rig.knows(8, 9, millis(300));
    let view = rig.control.view(rig.now);
    assert_eq!(view.viewed_at, rig.now);
    let shown = view.loss_bound.map(|bound| bound.aged(millis(90)));
    let grown = rig.control.view(rig.now + millis(90)).loss_bound;
    assert_eq!(shown, grown);
    assert_eq!(LossBound::Nothing.aged(millis(90)), LossBound::Nothing);
}
