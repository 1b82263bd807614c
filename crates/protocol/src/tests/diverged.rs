//! A node whose state differs from the primary's is not promoted.

use super::rig::*;
use crate::control::{Event, RoleName};
use crate::*;
use understudy_types::Epoch;

/// Where this node stands, and whether its state differs.
fn facts(lsn: u64, state_diverged: bool) -> Event {
    Event::Facts(Facts {
        heads: heads(lsn),
        state_diverged,
        ..Facts::default()
    })
}

fn in_sync_standby() -> Rig {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.in_sync = [member("b").standby_id()].into();
    let mut rig = Rig::new("b", 8, lease);
    rig.promises();
    rig
}

#[test]
fn failover_to_a_diverged_state_is_refused_until_it_is_made_anew() {
    for accepted in [AcceptLoss::Nothing, AcceptLoss::Unknown] {
        let mut rig = in_sync_standby();
        rig.step(facts(8, true));
        let mut request = failover("b", 4, accepted);
        rig.step(Event::ActivationGiven(request.clone()));
        assert_eq!(
            (rig.refusals(), rig.role()),
            (vec!["E312"], RoleName::Standby)
        );
        rig.step(facts(8, false));
        request.id = RequestId::from_bytes([2; 16]);
        rig.step(Event::ActivationGiven(request));
        assert_eq!(rig.promises(), Epoch::new(5));
    }
}

#[test]
fn state_that_is_found_to_differ_before_the_epoch_is_taken_stops_the_promotion() {
    let mut rig = in_sync_standby();
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
    rig.step(facts(8, true));
    rig.step(Event::PromisePersisted(Epoch::new(5)));
    assert_eq!(
        (rig.refusals(), rig.role()),
        (vec!["E312"], RoleName::Standby)
    );
}

#[test]
fn failover_to_a_damaged_log_is_refused_whatever_is_accepted() {
    let mut rig = in_sync_standby();
    rig.step(Event::Facts(Facts {
        heads: heads(8),
        log_damaged: true,
        ..Facts::default()
    }));
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Unknown,
    )));
    assert_eq!(
        (rig.refusals(), rig.role()),
        (vec!["E319"], RoleName::Standby)
    );
}

fn switchover() -> ActivationRequest {
    ActivationRequest {
        mode: Mode::Switchover,
        ..failover("b", 2, AcceptLoss::Nothing)
    }
}

#[test]
fn switchover_to_a_standby_that_says_it_diverged_is_refused_before_a_write_is_held() {
    for (diverged, refusals) in [("b", vec!["E208"]), ("c", vec![])] {
        let mut rig = primary(AckPolicy::Local, &[]);
        rig.step(Event::PeerFlushed {
            peer: member("b").standby_id(),
            heads: heads(6),
        });
        rig.step(Event::Facts(Facts {
            heads: heads(6),
            diverged_standbys: [member(diverged).standby_id()].into(),
            ..Facts::default()
        }));
        rig.step(Event::ActivationGiven(switchover()));
        assert_eq!(rig.refusals(), refusals);
        assert_eq!(rig.asked(&Action::HoldWrites), refusals.is_empty());
    }
}

#[test]
fn diverged_successor_does_not_take_what_is_handed_over() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::PeerFlushed {
        peer: member("b").standby_id(),
        heads: heads(6),
    });
    rig.step(Event::ActivationGiven(switchover()));
    rig.step(Event::Sealed(heads(6)));
    rig.step(Event::Answered);
    rig.applies();
    let mut target = Rig::unread("b", 6, rig.stored);
    target.step(facts(6, true));
    target.reads();
    // The holder's epoch, to follow it; not the next one.
    assert_eq!(target.promises(), Epoch::new(2));
    assert_eq!(target.role(), RoleName::Standby);
    target.step(facts(6, false));
    assert_eq!(target.promises(), Epoch::new(3));
}
