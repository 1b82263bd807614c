use super::rig::*;
use crate::control::Event;
use crate::*;
use std::collections::BTreeSet;
use understudy_types::DataId;

fn flushed(name: &str, lsn: u64) -> Event {
    Event::PeerFlushed {
        peer: member(name).standby_id(),
        heads: heads(lsn),
    }
}

fn set(names: &[&str]) -> BTreeSet<StandbyId> {
    names.iter().map(|name| member(name).standby_id()).collect()
}

#[test]
fn standby_enters_the_set_once_it_has_what_was_flushed_when_it_was_waited_for() {
    let mut rig = primary(AckPolicy::Replicated, &["c"]);
    rig.step(flushed("c", 6));
    rig.step(flushed("b", 3));
    assert_eq!(
        rig.required(),
        Some(set(&["b", "c"])),
        "waited for before it is in the set"
    );
    rig.step(flushed("b", 6));
    assert!(
        rig.out.is_empty(),
        "no facts are younger than the requirement"
    );
    rig.step(rig.has(8));
    rig.step(flushed("b", 7));
    assert!(rig.out.is_empty(), "7 of 8");
    rig.step(flushed("b", 8));
    assert_eq!(rig.written().1.in_sync, set(&["b", "c"]));
}

#[test]
fn silent_member_leaves_when_another_keeps_the_promise_and_only_once_that_is_durable() {
    let mut rig = primary(AckPolicy::Replicated, &["b", "c"]);
    rig.step(flushed("b", 6));
    rig.step(flushed("c", 6));
    rig.passes(millis(1500));
    rig.step(flushed("c", 6));
    rig.now = rig.now + millis(1000);
    rig.step(flushed("c", 6));
    assert_eq!(rig.written().1.in_sync, set(&["c"]));
    assert_eq!(rig.required(), None);
    rig.applies();
    assert_eq!(rig.required(), Some(set(&["c"])));
}

#[test]
fn member_that_has_not_connected_yet_is_given_time() {
    let mut rig = primary(AckPolicy::Replicated, &["b", "c"]);
    rig.step(flushed("b", 6));
    assert!(rig.out.is_empty(), "{:?}", rig.out);
    rig.now = rig.now + millis(2100);
    rig.step(flushed("b", 6));
    assert_eq!(rig.written().1.in_sync, set(&["b"]));
}

#[test]
fn member_with_another_disk_under_its_name_is_a_new_standby() {
    let mut rig = primary(AckPolicy::Replicated, &["b"]);
    let peer = StandbyId {
        data_id: DataId::from_bytes([200; 16]),
        ..member("b").standby_id()
    };
    rig.step(Event::PeerFlushed {
        peer,
        heads: heads(0),
    });
    rig.step(rig.has(6));
    rig.step(Event::Facts(rig.stored_facts(6)));
    assert_eq!(rig.written().1.in_sync, set(&[]));
}

#[test]
fn standby_that_falls_silent_while_it_joins_is_not_waited_for() {
    let mut rig = primary(AckPolicy::Replicated, &["c"]);
    rig.step(flushed("b", 3));
    rig.step(Event::PeerGone(member("b").standby_id()));
    assert_eq!(rig.required(), Some(set(&["c"])));
}

#[test]
fn local_policy_requires_nobody() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(flushed("b", 6));
    rig.step(rig.has(6));
    assert!(rig.out.is_empty());
    assert!(rig.stored.in_sync.is_empty());
}
