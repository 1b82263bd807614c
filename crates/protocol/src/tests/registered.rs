//! Who has a row on the primary, and how an operator ends it.

use super::rig::*;
use crate::control::{Action, Errand, Event, Notice, Step};
use crate::*;
use std::collections::BTreeMap;
use understudy_types::{DataId, NodeId};

fn rows(names: &[&str]) -> BTreeMap<NodeId, DataId> {
    let row = |name: &&str| (node(name), member(name).data_id);
    names.iter().map(row).collect()
}

fn flushed(name: &str) -> Event {
    Event::PeerFlushed {
        peer: member(name).standby_id(),
        heads: heads(6),
    }
}

fn forget(name: &str) -> Event {
    Event::Errand {
        id: RequestId::from_bytes([7; 16]),
        errand: Errand::Forget {
            standby: node(name),
        },
    }
}

/// A primary with these in its lease, of which none streams.
fn with_rows(names: &[&str]) -> Rig {
    let mut rig = primary(AckPolicy::Local, &[]);
    for name in names {
        rig.step(flushed(name));
    }
    rig.passes(millis(3_400));
    rig.applies();
    for name in names {
        rig.step(Event::PeerGone(member(name).standby_id()));
    }
    assert_eq!(rig.stored.registered, rows(names));
    rig
}

/// Who is registered when `b` claims the lease of `a`, which named these.
fn b_takes_over(names: &[&str]) -> BTreeMap<NodeId, DataId> {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.registered = rows(names);
    let mut rig = Rig::new("b", 8, lease);
    rig.promises();
    let request = failover("b", 4, AcceptLoss::Unknown);
    rig.step(Event::ActivationGiven(request));
    rig.promises();
    rig.written().1.registered
}

#[test]
fn standby_that_came_stays_registered_when_it_goes_and_when_the_primary_restarts() {
    let mut rig = with_rows(&["b", "c"]);
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered, rows(&["b", "c"]));
    rig.applies();
    let mut lease = rig.stored.clone();
    lease.holder.as_mut().unwrap().incarnation = understudy_types::Nonce::from_bytes([3; 16]);
    let mut restarted = Rig::new("a", 6, lease);
    restarted.promises();
    restarted.stops(6);
    assert_eq!(restarted.written().1.registered, rows(&["b", "c"]));
}

#[test]
fn standby_that_goes_before_a_renewal_is_registered_or_forgotten_all_the_same() {
    let gone = || {
        let mut rig = primary(AckPolicy::Local, &[]);
        rig.step(flushed("b"));
        rig.step(Event::PeerGone(member("b").standby_id()));
        rig
    };
    let mut rig = gone();
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered, rows(&["b"]));
    let mut rig = gone();
    rig.step(forget("b"));
    assert_eq!(rig.refusals(), [""; 0]);
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered, rows(&[]));
}

#[test]
fn new_disk_under_a_name_takes_the_name_s_row() {
    let mut rig = with_rows(&["b"]);
    let mut blank = member("b").standby_id();
    blank.data_id = DataId::from_bytes([1; 16]);
    rig.step(Event::PeerFlushed {
        peer: blank.clone(),
        heads: heads(0),
    });
    rig.passes(millis(3_400));
    let registered = rig.written().1.registered;
    assert_eq!(registered, [(node("b"), blank.data_id)].into());
}

#[test]
fn promotion_registers_the_former_holder_and_not_the_new_one() {
    assert_eq!(b_takes_over(&["b", "c"]), rows(&["a", "c"]));
}

#[test]
fn many_names_are_not_too_many() {
    let names: Vec<_> = (10..30).map(|number| format!("n{number}")).collect();
    let mut rig = primary(AckPolicy::Local, &[]);
    for name in &names {
        rig.step(flushed(name));
    }
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered.len(), 16);
}

#[test]
fn full_list_has_a_place_for_the_former_holder() {
    let mut names: Vec<_> = (10..25).map(|number| format!("n{number}")).collect();
    names.push("b".to_owned());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let registered = b_takes_over(&names);
    assert!(registered.contains_key(&node("a")) && !registered.contains_key(&node("b")));
    assert_eq!(registered.len(), 16);
}

#[test]
fn write_under_way_does_not_bring_a_forgotten_name_back() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(flushed("b"));
    rig.passes(millis(3_400));
    let (_, under_way) = rig.written();
    assert_eq!(under_way.registered, rows(&["b"]));
    rig.lands();
    rig.step(Event::PeerGone(member("b").standby_id()));
    rig.step(forget("b"));
    assert!(rig.out.is_empty(), "it waits: {:?}", rig.out);
    rig.step(Event::LeaseWritten(control::WriteAnswer::Applied(
        rig.etag(),
    )));
    assert_eq!(rig.written().1.registered, rows(&[]));
    rig.applies();
    let told = |action: &Action| {
        matches!(
            action,
            Action::Notify(Notice::Activation {
                step: Step::Forgotten { .. },
                ..
            })
        )
    };
    assert!(rig.out.iter().any(told), "{:?}", rig.out);
}

#[test]
fn standby_that_comes_back_while_it_is_being_forgotten_is_registered_again() {
    let mut rig = with_rows(&["b"]);
    rig.step(forget("b"));
    rig.lands();
    rig.step(flushed("b"));
    rig.step(Event::LeaseWritten(control::WriteAnswer::Applied(
        rig.etag(),
    )));
    assert_eq!(rig.stored.registered, rows(&[]));
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered, rows(&["b"]));
}

#[test]
fn forgotten_standby_is_told_when_that_is_stored_and_comes_back_when_it_streams() {
    let mut rig = with_rows(&["b", "c"]);
    rig.step(forget("b"));
    assert_eq!(rig.written().1.registered, rows(&["c"]));
    let told = Action::Notify(Notice::Activation {
        id: RequestId::from_bytes([7; 16]),
        step: Step::Forgotten { standby: node("b") },
    });
    assert!(!rig.asked(&told), "not before it is stored");
    rig.applies();
    assert!(rig.asked(&told), "{:?}", rig.out);
    rig.step(flushed("b"));
    rig.passes(millis(3_400));
    assert_eq!(rig.written().1.registered, rows(&["b", "c"]));
}

#[test]
fn standby_that_is_not_gone_is_not_forgotten() {
    let mut rig = with_rows(&["b"]);
    rig.step(flushed("b"));
    rig.step(forget("b"));
    assert_eq!(rig.refusals(), ["E211"], "it streams");
    let mut counted = primary(AckPolicy::Replicated, &["b"]);
    counted.step(forget("b"));
    assert_eq!(counted.refusals(), ["E211"], "it is counted on");
}

#[test]
fn who_cannot_forget_says_why() {
    let mut rig = with_rows(&["b"]);
    rig.step(forget("x"));
    assert_eq!(rig.refusals(), ["E212"]);
    let mut standby = Rig::new("b", 8, held("a", 4, AckPolicy::Local));
    standby.promises();
    standby.step(forget("a"));
    assert_eq!(standby.refusals(), ["E313"]);
}
