use super::rig::*;
use crate::control::{Event, RoleName};
use crate::*;
use understudy_types::Epoch;

#[test]
fn primary_steps_above_a_promise_when_nobody_has_taken_it() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::PeerPromised(Epoch::new(6)));
    assert!(
        rig.asked(&Action::FetchLease {
            known: Some(rig.etag())
        }),
        "it looks, too"
    );
    assert!(rig.asked(&Action::HoldWrites) && rig.asked(&Action::Revoke));
    rig.step(Event::Sealed(heads(6)));
    assert_eq!(rig.promises(), Epoch::new(7));
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch),
        (LeaseState::Held, Epoch::new(7))
    );
    rig.applies();
    assert!(rig.asked(&Action::Open {
        epoch: Epoch::new(7),
        lossy: false
    }));
    assert_eq!(rig.role(), RoleName::Primary);
}

#[test]
fn primary_gives_way_when_the_promise_was_for_a_lease_that_is_taken() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.sees_later(held("b", 3, AckPolicy::Local));
    rig.step(Event::PeerPromised(Epoch::new(3)));
    rig.reads();
    assert!(rig.asked(&Action::Close));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn promise_of_an_epoch_that_is_not_newer_means_nothing() {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.step(Event::PeerPromised(Epoch::new(2)));
    assert!(rig.out.is_empty());
}
