//! The object store is lost for good.

use super::rig::*;
use crate::control::{Event, RoleName};
use crate::*;
use understudy_types::{DataId, Epoch, Nonce};

const NEW: Nonce = Nonce::from_bytes([42; 16]);

fn mark() -> WithoutStore {
    WithoutStore {
        by: "ann".to_owned(),
        reason: "the provider is gone".to_owned(),
        fenced_by: "power off".to_owned(),
        at_ms: 1,
        former_epoch: Epoch::new(4),
    }
}

fn stand_in(policy: AckPolicy) -> Lease {
    let mut last = held("a", 4, policy);
    last.in_sync = [member("b").standby_id()].into();
    stand_in_lease(&last, mark(), member("b").data_id, NEW)
}

/// A standby that was in sync when it last saw the lease, and now finds the
/// stand-in in its place.
fn standby_on_stand_in(policy: AckPolicy) -> Rig {
    let mut last = held("a", 4, policy);
    last.in_sync = [member("b").standby_id()].into();
    let mut rig = Rig::new("b", 8, last);
    rig.promises();
    rig.sees(stand_in(policy));
    rig
}

fn asked(epoch: Epoch, accept_loss: AcceptLoss) -> Event {
    let mut request = failover("b", epoch.get(), accept_loss);
    request.fenced_by = Some("power off".to_owned());
    Event::ActivationGiven(request)
}

#[test]
fn each_data_root_has_epochs_of_its_own_above_all_that_the_store_gave_out() {
    let (a, b) = (DataId::from_bytes([1; 16]), DataId::from_bytes([2; 16]));
    let first = first_epoch_after(Epoch::new(4), a);
    assert!(first > Epoch::new(1 << 40) && first < Epoch::new(2 << 40));
    let distance = first
        .get()
        .abs_diff(first_epoch_after(Epoch::new(4), b).get());
    assert!(distance >= 1 << 16, "{distance}");
    let again = first_epoch_after(first.next(), a);
    assert!(
        again > Epoch::new(2 << 40),
        "a second time has its own band"
    );
}

#[test]
fn what_the_lost_store_may_have_known_is_never_called_no_loss() {
    let mut rig = standby_on_stand_in(AckPolicy::Replicated);
    let epoch = rig.stored.epoch;
    rig.step(asked(epoch, AcceptLoss::Nothing));
    assert_eq!(
        rig.refusals(),
        ["E303"],
        "it was in sync, as far as it had seen"
    );
}

#[test]
fn evidence_does_not_shorten_the_wait_for_what_was_not_seen() {
    let mut rig = standby_on_stand_in(AckPolicy::Replicated);
    let epoch = rig.stored.epoch;
    rig.step(asked(epoch, AcceptLoss::Unknown));
    assert_eq!(rig.promises(), epoch.next());
    rig.applies();
    assert_eq!(rig.role(), RoleName::Claimed);
    rig.passes(millis(10_900));
    assert!(!rig.asked(&Action::StopFollowing));
    rig.passes(millis(200));
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(8);
    let (_, hold) = rig.written();
    assert_eq!((hold.state, hold.epoch), (LeaseState::Held, epoch.next()));
    assert_eq!(hold.without_store, Some(mark()), "the mark stays");
    assert!(hold.history.last().unwrap().lossy);
    assert!(hold.in_sync.is_empty(), "nobody is counted on");
}

#[test]
fn holder_of_the_lost_lease_is_not_forgotten() {
    let lease = stand_in(AckPolicy::Local);
    let a = member("a");
    assert_eq!(lease.registered, [(a.node, a.data_id)].into());
}

#[test]
fn request_that_names_the_lost_stores_epoch_is_stale() {
    let mut rig = standby_on_stand_in(AckPolicy::Replicated);
    rig.step(asked(Epoch::new(4), AcceptLoss::Unknown));
    assert_eq!(rig.refusals(), ["E301"]);
}

#[test]
fn slots_of_the_lost_store_are_not_looked_for() {
    let mut last = held("a", 4, AckPolicy::Replicated);
    last.fallback.base = Some([(shard(), position(5).map(|p| p.lsn))].into());
    let lease = stand_in_lease(&last, mark(), member("b").data_id, NEW);
    assert_eq!(lease.fallback.base, None);
}

#[test]
fn former_lease_that_nobody_took_is_fenced_by_a_claim_above_it() {
    let mut own = stand_in(AckPolicy::Local);
    own.epoch = own.epoch.next();
    let found = held("a", 4, AckPolicy::Local);
    let judged = judge_former(&found, &own, &mark(), &member("b"), NEW);
    let Former::Fence(fence) = judged else {
        panic!("{judged:?}");
    };
    assert!(
        fence.epoch.get() >= own.epoch.get() + (1 << 15),
        "out of reach"
    );
    assert_eq!(fence.state, LeaseState::Claimed);
    assert_eq!(fence.without_store, None, "it stands in a store");
    let again = judge_former(&fence, &own, &mark(), &member("b"), NEW);
    assert_eq!(again, Former::Fenced);
}

#[test]
fn former_lease_that_somebody_took_is_in_force() {
    let own = stand_in(AckPolicy::Local);
    let taken = held("a", 5, AckPolicy::Local);
    let judged = judge_former(&taken, &own, &mark(), &member("b"), NEW);
    assert_eq!(judged, Former::Overtaken);
    let beyond = held("c", own.epoch.get() + 7, AckPolicy::Local);
    let judged = judge_former(&beyond, &own, &mark(), &member("b"), NEW);
    assert_eq!(judged, Former::Overtaken);
}

#[test]
fn other_clusters_lease_says_nothing() {
    let own = stand_in(AckPolicy::Local);
    let mut found = held("a", 9, AckPolicy::Local);
    found.cluster = understudy_types::ClusterId::from_bytes([1; 16]);
    let judged = judge_former(&found, &own, &mark(), &member("b"), NEW);
    assert_eq!(judged, Former::Foreign);
}

#[test]
fn primary_whose_lease_was_fenced_gives_way() {
    let mut rig = Rig::new("a", 8, held("a", 4, AckPolicy::Local));
    rig.promises();
    rig.stops(8);
    rig.applies();
    let (own, mut mark) = (stand_in(AckPolicy::Local), mark());
    mark.former_epoch = rig.stored.epoch;
    let judged = judge_former(&rig.stored, &own, &mark, &member("b"), NEW);
    let Former::Fence(fence) = judged else {
        panic!("{judged:?}");
    };
    rig.sees(*fence);
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn adopted_lease_loses_the_mark_and_nothing_else() {
    let own = stand_in(AckPolicy::Local);
    let adopted = adopted_lease(&own, None, Nonce::from_bytes([1; 16])).expect("a stand-in's");
    assert_eq!(adopted.epoch, own.epoch);
    assert_eq!(adopted.without_store, None);
    assert_eq!(
        adopted_lease(&adopted, None, NEW),
        None,
        "there is nothing to adopt"
    );
}

#[test]
fn fence_tells_nobody_else_that_nothing_is_lost() {
    let mut own = held("b", 1 << 41, AckPolicy::Replicated);
    own.fallback.base = Some([(shard(), position(5).map(|p| p.lsn))].into());
    own.without_store = Some(mark());
    let found = held("a", 4, AckPolicy::Replicated);
    let judged = judge_former(&found, &own, &mark(), &member("b"), NEW);
    let Former::Fence(fence) = judged else {
        panic!("{judged:?}");
    };
    let epoch = fence.epoch;
    let mut rig = Rig::new("a", 8, *fence);
    let mut request = failover("a", epoch.get(), AcceptLoss::Nothing);
    request.expect_epoch = epoch;
    rig.step(Event::ActivationGiven(request));
    assert_eq!(rig.refusals(), ["E303"]);
}

#[test]
fn own_lease_that_stands_in_a_store_is_an_adoption_that_was_not_ended() {
    let mut own = held("b", 1 << 41, AckPolicy::Local);
    own.without_store = Some(mark());
    let adopted = adopted_lease(&own, None, NEW).expect("a stand-in's");
    let judged = judge_former(&adopted, &own, &mark(), &member("b"), NEW);
    assert_eq!(judged, Former::Adopted);
}

#[test]
fn own_lease_from_before_the_store_was_given_up_is_fenced_like_any_other() {
    let own = stand_in(AckPolicy::Replicated);
    let mut claimed = held("b", 5, AckPolicy::Replicated);
    claimed.in_sync = [member("a").standby_id()].into();
    claimed.state = LeaseState::Claimed;
    let held = held("b", 5, AckPolicy::Replicated);
    for written_and_never_answered in [claimed, held] {
        let judged = judge_former(
            &written_and_never_answered,
            &own,
            &mark(),
            &member("b"),
            NEW,
        );
        let Former::Fence(fence) = judged else {
            panic!("{judged:?}");
        };
        assert!(fence.epoch > own.epoch && fence.in_sync.is_empty());
    }
}

#[test]
fn adoption_over_the_own_fence_goes_above_it() {
    let mut own = held("b", 1 << 41, AckPolicy::Local);
    own.without_store = Some(mark());
    let found = held("a", 4, AckPolicy::Local);
    let judged = judge_former(&found, &own, &mark(), &member("b"), NEW);
    let Former::Fence(fence) = judged else {
        panic!("{judged:?}");
    };
    let adopted = adopted_lease(&own, Some(&fence), NEW).expect("a stand-in's");
    assert!(adopted.epoch >= fence.epoch);
}
