//! When acknowledgements rest in the store, and what a promotion does then.

use super::rig::*;
use crate::control::{Completeness, Drained, Event, RoleName, Step};
use crate::fallback::{Fallback, SlotNumber, Watermarks};
use crate::shard::Requirement;
use crate::*;
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::{Epoch, Lsn, ShardName};

fn flushed(name: &str, lsn: u64) -> Event {
    Event::PeerFlushed {
        peer: member(name).standby_id(),
        heads: heads(lsn),
    }
}

fn slots(number: u64) -> BTreeMap<ShardName, SlotNumber> {
    BTreeMap::from([(shard(), SlotNumber::new(number))])
}

fn base(lsn: u64) -> Option<Watermarks> {
    Some(Watermarks::from([(shard(), Lsn::new(lsn))]))
}

fn only(name: &str) -> BTreeSet<StandbyId> {
    BTreeSet::from([member(name).standby_id()])
}

/// A lease of `a` in epoch 4, which began at lsn 5, with everything beyond
/// lsn 7 in the slots from 3 on.
fn in_the_store() -> Lease {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.fallback = Fallback {
        first: slots(3),
        base: base(7),
    };
    lease
}

/// Node `b` with a log that ends at `lsn`, its last batch of epoch `last`.
fn standby(lsn: u64, last: u64, lease: Lease) -> Rig {
    let follows = lease.state == LeaseState::Held;
    let mut rig = Rig::new("b", lsn, lease);
    if follows {
        rig.promises();
    }
    rig.step(Event::Facts(Facts {
        heads: heads(lsn),
        last_epochs: BTreeMap::from([(shard(), Epoch::new(last))]),
        ..Facts::default()
    }));
    rig
}

fn ask(rig: &mut Rig, accept_loss: AcceptLoss) {
    let epoch = rig.stored.epoch.get();
    rig.step(Event::ActivationGiven(failover("b", epoch, accept_loss)));
}

/// Claims, and waits until the slots are to be drained.
fn comes_to_the_slots(rig: &mut Rig, lsn: u64) {
    rig.promises();
    assert_eq!(rig.written().1.state, LeaseState::Claimed);
    rig.applies();
    rig.passes(millis(11_100));
    rig.stops(lsn);
    let drain = Action::Drain {
        epoch: Epoch::new(5),
        first: slots(3),
        history: rig.stored.history.clone(),
    };
    assert!(rig.asked(&drain), "{:?}", rig.out);
}

fn drains(rig: &mut Rig, lsn: u64, complete: Completeness) {
    rig.step(Event::Drained(Drained {
        heads: heads(lsn),
        complete,
        free_slots: slots(9),
    }));
}

#[test]
fn without_any_standby_the_store_is_the_home_from_the_epochs_first_write_on() {
    let rig = primary(AckPolicy::Replicated, &[]);
    assert_eq!(rig.stored.fallback.base, base(5), "where the epoch began");
}

#[test]
fn last_member_leaves_only_with_a_base_that_nothing_was_acknowledged_after() {
    let mut rig = primary(AckPolicy::Replicated, &["b"]);
    rig.passes(millis(2100));
    assert_eq!(
        rig.required(),
        Some(BTreeSet::new()),
        "nothing is acknowledged while it leaves"
    );
    rig.applies();
    assert_eq!(rig.stored.in_sync, only("b"), "that was a renewal");
    let facts = Facts {
        heads: heads(9),
        committed: base(8).unwrap(),
        ..Facts::default()
    };
    rig.step(Event::Facts(facts.clone()));
    let fallback = Fallback {
        first: BTreeMap::new(),
        base: base(8),
    };
    let fill = Action::Fill {
        epoch: Epoch::new(2),
        fallback,
        free: BTreeMap::new(),
    };
    assert_eq!(rig.out, [fill], "what may have been acknowledged is stored");
    let stored = |lsn| {
        Event::Facts(Facts {
            free_slots: slots(1),
            stored: base(lsn).unwrap(),
            ..facts.clone()
        })
    };
    rig.step(stored(8));
    assert!(rig.out.is_empty(), "8 of 9: {:?}", rig.out);
    rig.step(stored(9));
    let draft = rig.written().1;
    assert!(draft.in_sync.is_empty());
    assert_eq!(draft.fallback.base, base(8));
    assert_eq!(rig.requirement(), None, "not before it is durable");
    rig.applies();
    assert_eq!(
        rig.requirement(),
        Some(Requirement::Stored(BTreeSet::new()))
    );
    assert!(rig.asked(&Action::Notify(Notice::RestsInStore)));
}

#[test]
fn last_member_that_is_heard_again_before_its_removal_is_sent_stays() {
    let mut rig = primary(AckPolicy::Replicated, &["b"]);
    rig.passes(millis(2100));
    rig.step(flushed("b", 6));
    assert_eq!(rig.required(), Some(only("b")));
    assert!(
        rig.out
            .iter()
            .all(|a| !matches!(a, Action::WriteLease { .. })),
        "{:?}",
        rig.out
    );
}

#[test]
fn standby_that_comes_is_needed_beside_the_store_until_its_entry_is_durable() {
    let mut rig = primary(AckPolicy::Replicated, &[]);
    rig.step(flushed("b", 5));
    assert_eq!(rig.requirement(), Some(Requirement::Stored(only("b"))));
    rig.step(Event::Facts(Facts {
        heads: heads(8),
        free_slots: slots(6),
        ..Facts::default()
    }));
    rig.step(flushed("b", 7));
    assert!(rig.out.is_empty(), "7 of 8");
    rig.step(flushed("b", 8));
    let draft = rig.written().1;
    assert_eq!(draft.in_sync, only("b"));
    let left = Fallback {
        first: slots(6),
        base: None,
    };
    assert_eq!(draft.fallback, left);
    assert!(!rig.asked(&Action::StopFilling));
    rig.applies();
    assert_eq!(rig.required(), Some(only("b")));
    assert!(rig.asked(&Action::StopFilling));
    let removed = SlotNumber::new(0)..SlotNumber::new(6);
    let removed = BTreeMap::from([(shard(), removed)]);
    assert!(rig.asked(&Action::RemoveSlots(removed)), "{:?}", rig.out);
}

#[test]
fn standby_that_joins_the_slots_drains_them_and_loses_nothing() {
    let mut rig = standby(7, 4, in_the_store());
    ask(&mut rig, AcceptLoss::Nothing);
    comes_to_the_slots(&mut rig, 7);
    drains(&mut rig, 12, Completeness::All);
    let draft = rig.written().1;
    assert_eq!(draft.state, LeaseState::Held);
    let record = draft.history.last().unwrap();
    assert_eq!((&record.forks, record.lossy), (&heads(12), false));
    assert_eq!(draft.fallback, in_the_store().fallback, "they stay needed");
    rig.applies();
    let fill = Action::Fill {
        epoch: Epoch::new(5),
        fallback: in_the_store().fallback,
        free: slots(9),
    };
    assert!(rig.asked(&fill), "{:?}", rig.out);
}

#[test]
fn released_lease_is_claimed_first_when_slots_must_be_drained() {
    let mut lease = in_the_store();
    lease.state = LeaseState::Released;
    lease.sealed = Some(heads(12));
    let mut rig = standby(7, 4, lease);
    ask(&mut rig, AcceptLoss::Nothing);
    rig.promises();
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(7);
    assert_eq!(rig.written().1.state, LeaseState::Claimed);
    rig.applies();
    let asks = |action: &Action| matches!(action, Action::Drain { .. });
    assert!(
        rig.out.iter().any(asks),
        "nothing to wait for: {:?}",
        rig.out
    );
}

#[test]
fn log_that_does_not_reach_the_base_is_refused() {
    let mut rig = standby(6, 4, in_the_store());
    ask(&mut rig, AcceptLoss::Nothing);
    assert_eq!(rig.refusals(), ["E303"]);
}

#[test]
fn log_of_an_older_epoch_reaches_the_base_only_with_what_the_line_kept_of_it() {
    let mut lease = in_the_store();
    lease.history[0].after = [(shard(), Epoch::new(3))].into();
    lease.fallback.base = base(5);
    let mut reaches = standby(9, 3, lease.clone());
    ask(&mut reaches, AcceptLoss::Nothing);
    assert!(reaches.refusals().is_empty(), "epoch 4 began at lsn 5");
    lease.history[0].after = [(shard(), Epoch::new(2))].into();
    let mut unknown = standby(9, 3, lease.clone());
    ask(&mut unknown, AcceptLoss::Nothing);
    assert_eq!(unknown.refusals(), ["E303"], "nobody went back on epoch 3");
    lease.history[0].after = [(shard(), Epoch::new(3))].into();
    lease.fallback.base = base(6);
    let mut short = standby(9, 3, lease);
    ask(&mut short, AcceptLoss::Nothing);
    assert_eq!(short.refusals(), ["E303"]);
}

#[test]
fn gap_in_the_slots_waits_for_an_operators_word() {
    let mut rig = standby(7, 4, in_the_store());
    ask(&mut rig, AcceptLoss::Nothing);
    comes_to_the_slots(&mut rig, 7);
    drains(&mut rig, 8, Completeness::Gap);
    assert_eq!(rig.role(), RoleName::Claimed);
    let told = Action::Notify(Notice::SlotsHaveGap {
        epoch: Epoch::new(5),
    });
    assert!(rig.asked(&told), "{:?}", rig.out);
    let mut word = failover("b", 5, AcceptLoss::Seconds(3600));
    word.id = RequestId::from_bytes([2; 16]);
    rig.step(Event::ActivationGiven(word.clone()));
    assert_eq!(rig.refusals(), ["E303"], "no number of seconds covers it");
    word.id = RequestId::from_bytes([3; 16]);
    word.accept_loss = AcceptLoss::Unknown;
    rig.step(Event::ActivationGiven(word));
    let draft = rig.written().1;
    assert_eq!(draft.state, LeaseState::Held);
    assert!(draft.history.last().unwrap().lossy);
    let anew = Fallback {
        first: slots(9),
        base: base(8),
    };
    assert_eq!(draft.fallback, anew, "what did not join is left there");
    let consumed = draft.activation.unwrap().id;
    assert_eq!(consumed, RequestId::from_bytes([3; 16]));
}

#[test]
fn drain_is_told_in_the_steps_of_the_request() {
    let mut rig = standby(7, 4, in_the_store());
    ask(&mut rig, AcceptLoss::Nothing);
    comes_to_the_slots(&mut rig, 7);
    drains(&mut rig, 7, Completeness::All);
    let step = Step::Drained {
        complete: Completeness::All,
    };
    let told = Action::Notify(Notice::Activation {
        id: RequestId::from_bytes([1; 16]),
        step,
    });
    assert!(rig.asked(&told), "{:?}", rig.out);
}
