use super::rig::*;
use crate::control::{Event, WriteAnswer};
use crate::*;
use understudy_types::Epoch;

/// Runs by ticks alone; the store never answers.
fn is_never_due_at_once_again(rig: &mut Rig) {
    for _ in 0..20 {
        let due = rig.control.deadline();
        if due.as_nanos() == u64::MAX {
            return;
        }
        rig.now = rig.now.max(due);
        rig.step(Event::Tick);
        assert!(
            rig.control.deadline() > rig.now,
            "due at {due:?} again and again"
        );
    }
}

#[test]
fn renewal_under_way_is_not_due_again() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::ActivationFetched(control::ObjectFetched::Absent));
    rig.passes(millis(2000));
    rig.written();
    is_never_due_at_once_again(&mut rig);
}

#[test]
fn release_that_waits_for_the_log_is_not_due() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::Shutdown);
    rig.passes(millis(2100));
    rig.step(Event::LeaseWritten(WriteAnswer::Unknown));
    is_never_due_at_once_again(&mut rig);
}

#[test]
fn step_up_that_waits_for_the_log_is_not_due() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::PeerPromised(Epoch::new(6)));
    rig.reads();
    is_never_due_at_once_again(&mut rig);
}

#[test]
fn standby_that_waits_for_the_store_is_not_due() {
    let mut rig = Rig::unread("b", 5, held("a", 4, AckPolicy::Local));
    rig.step(Event::Tick);
    is_never_due_at_once_again(&mut rig);
}
