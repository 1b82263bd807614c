//! A request is judged by a lease that was read after it came.

use super::rig::*;
use crate::control::{Event, LeaseFetched};
use crate::*;

/// A standby that the lease, as it last read it, does not have in sync.
fn standby() -> Rig {
    let mut rig = Rig::new("b", 8, held("a", 4, AckPolicy::Replicated));
    rig.promises();
    rig
}

fn given(rig: &mut Rig) {
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
}

/// The primary writes this standby into the set; it has not read that yet.
fn enters_the_set(rig: &mut Rig) {
    let mut lease = rig.stored.clone();
    lease.in_sync = [member("b").standby_id()].into();
    rig.sees_later(lease);
}

fn reads_asked(rig: &Rig) -> usize {
    let is_read = |action: &&Action| matches!(action, Action::FetchLease { .. });
    rig.out.iter().filter(is_read).count()
}

#[test]
fn request_is_judged_by_a_read_that_was_sent_after_it_came() {
    let mut rig = standby();
    enters_the_set(&mut rig);
    given(&mut rig);
    assert_eq!(reads_asked(&rig), 1, "at once, not at the next poll");
    assert_eq!(rig.refusals(), [""; 0]);
    rig.reads();
    assert_eq!(rig.refusals(), [""; 0]);
    assert_eq!(rig.promises(), understudy_types::Epoch::new(5));
}

#[test]
fn read_that_was_under_way_when_the_request_came_does_not_count() {
    let mut rig = standby();
    rig.store_is_silent = true;
    rig.passes(millis(1000));
    assert_eq!(reads_asked(&rig), 1, "the poll");
    enters_the_set(&mut rig);
    given(&mut rig);
    assert_eq!(reads_asked(&rig), 0, "one at a time");
    rig.step(Event::LeaseFetched(LeaseFetched::NotModified));
    assert_eq!((rig.refusals().len(), reads_asked(&rig)), (0, 1));
    rig.reads();
    assert_eq!(rig.promises(), understudy_types::Epoch::new(5));
}

#[test]
fn read_that_fails_is_no_answer() {
    let mut rig = standby();
    rig.store_is_silent = true;
    given(&mut rig);
    rig.step(Event::LeaseFetched(LeaseFetched::Failed));
    assert_eq!(rig.refusals(), [""; 0]);
    enters_the_set(&mut rig);
    rig.passes(millis(1000));
    rig.reads();
    assert_eq!(rig.promises(), understudy_types::Epoch::new(5));
}

#[test]
fn store_that_stays_silent_refuses_a_failover_in_time() {
    let mut rig = standby();
    rig.store_is_silent = true;
    let patience = Timing::default().store_patience();
    let asked = rig.now;
    given(&mut rig);
    rig.passes(patience - millis(1));
    assert_eq!(rig.refusals(), [""; 0]);
    assert!(rig.control.deadline() <= asked + patience);
    rig.passes(millis(1));
    assert_eq!(rig.refusals(), ["E306"]);
    rig.passes(millis(1000));
    assert_eq!(rig.refusals(), [""; 0], "said once");
}

#[test]
fn silent_store_does_not_make_an_old_view_refuse_the_epoch() {
    let mut rig = standby();
    rig.store_is_silent = true;
    rig.step(Event::ActivationGiven(failover(
        "b",
        5,
        AcceptLoss::Nothing,
    )));
    rig.passes(Timing::default().store_patience());
    assert_eq!(rig.refusals(), ["E306"]);
}

#[test]
fn old_view_refuses_no_switchover_either_until_the_store_answers() {
    let mut rig = standby();
    rig.store_is_silent = true;
    let mut request = failover("b", 5, AcceptLoss::Nothing);
    request.mode = Mode::Switchover;
    rig.step(Event::ActivationGiven(request));
    rig.passes(Timing::default().store_patience());
    rig.step(Event::Tick);
    assert_eq!(rig.refusals(), [""; 0]);
    rig.step(Event::LeaseFetched(LeaseFetched::NotModified));
    assert_eq!(rig.refusals(), ["E301"]);
}

#[test]
fn asking_twice_is_one_read_one_wait_and_one_answer() {
    let mut rig = standby();
    rig.store_is_silent = true;
    given(&mut rig);
    assert_eq!(reads_asked(&rig), 1);
    let patience = Timing::default().store_patience();
    rig.passes(patience - millis(1));
    given(&mut rig);
    assert_eq!((reads_asked(&rig), rig.refusals().len()), (0, 0));
    rig.passes(millis(1));
    assert_eq!(
        rig.refusals(),
        ["E306"],
        "the second does not begin to wait"
    );
    given(&mut rig);
    assert_eq!((reads_asked(&rig), rig.refusals().len()), (0, 0));
}

#[test]
fn request_that_another_one_displaces_is_told_so() {
    let mut rig = standby();
    rig.store_is_silent = true;
    given(&mut rig);
    let mut other = failover("b", 4, AcceptLoss::Unknown);
    other.id = RequestId::from_bytes([2; 16]);
    rig.step(Event::ActivationGiven(other));
    assert_eq!(rig.refusals(), ["E205"]);
}

#[test]
fn superseded_primary_refuses_no_request_by_its_old_lease() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.sees_later(held("b", 3, AckPolicy::Local));
    rig.step(Event::ActivationGiven(failover(
        "a",
        3,
        AcceptLoss::Unknown,
    )));
    assert_eq!((reads_asked(&rig), rig.refusals().len()), (1, 0));
    rig.reads();
    assert_eq!(rig.refusals(), [""; 0]);
    rig.promises();
    assert_eq!(
        rig.role(),
        control::RoleName::Promoting,
        "it gave way first"
    );
}

#[test]
fn primary_without_the_store_refuses_a_switchover_before_it_holds_a_write() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::PeerFlushed {
        peer: member("b").standby_id(),
        heads: heads(6),
    });
    rig.store_is_silent = true;
    let mut request = failover("b", 2, AcceptLoss::Nothing);
    request.mode = Mode::Switchover;
    rig.step(Event::ActivationGiven(request));
    rig.passes(Timing::default().store_patience());
    assert_eq!(rig.refusals(), ["E306"]);
    assert!(!rig.asked(&Action::HoldWrites));
    assert!(rig.control.deadline() > rig.now);
}

#[test]
fn request_that_waits_without_a_lease_is_not_due() {
    let mut rig = Rig::unread("b", 5, held("a", 4, AckPolicy::Local));
    rig.store_is_silent = true;
    given(&mut rig);
    rig.passes(Timing::default().store_patience());
    rig.step(Event::LeaseFetched(LeaseFetched::Absent));
    rig.step(Event::Tick);
    assert!(rig.control.deadline() > rig.now);
}
