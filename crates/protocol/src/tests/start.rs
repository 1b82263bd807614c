use super::rig::*;
use crate::control::{Event, LeaseFetched, RoleName};
use crate::*;
use understudy_types::{BootTime, DataId, Epoch, Nonce};

#[test]
fn restarted_holder_takes_a_new_epoch_at_once() {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    let mut rig = Rig::new("a", 9, lease);
    assert_eq!(rig.promises(), Epoch::new(5));
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(9);
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch),
        (LeaseState::Held, Epoch::new(5))
    );
    assert_eq!(lease.history.last().unwrap().forks, heads(9));
    rig.applies();
    let open = Action::Open {
        epoch: Epoch::new(5),
        lossy: false,
    };
    assert!(rig.asked(&open));
}

#[test]
fn holder_with_a_blank_disk_never_takes_the_lease() {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.holder.as_mut().unwrap().data_id = DataId::from_bytes([0; 16]);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    let mut rig = Rig::new("a", 0, lease);
    rig.passes(millis(60_000));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn holder_whose_log_is_shorter_than_its_epoch_is_told_so_and_stays() {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    let rig = Rig::new("a", 3, lease);
    assert!(rig.asked(&Action::Notify(Notice::LogShorterThanLease)));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn standby_promises_the_holders_epoch_before_it_follows() {
    let mut rig = Rig::new("b", 5, held("a", 4, AckPolicy::Local));
    assert_eq!(rig.out.len(), 1, "{:?}", rig.out);
    assert_eq!(rig.promises(), Epoch::new(4));
    let follow = Action::Follow {
        epoch: Epoch::new(4),
        promised: Epoch::new(4),
        primary: Box::new(member("a")),
    };
    assert!(rig.asked(&follow));
}

#[test]
fn epoch_that_was_lossy_and_never_begun_passes_its_loss_on() {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    lease.history.last_mut().unwrap().lossy = true;
    // Its log ends where epoch 4 forked: not one record of epoch 4.
    let mut rig = Rig::new("a", 5, lease.clone());
    rig.promises();
    rig.stops(5);
    assert!(rig.written().1.history.last().unwrap().lossy);
    // With a record of epoch 4 the log says it, and nothing new is lost.
    let mut rig = Rig::new("a", 6, lease);
    rig.promises();
    rig.stops(6);
    assert!(!rig.written().1.history.last().unwrap().lossy);
}

#[test]
fn missing_lease_is_never_made_again() {
    let mut rig = Rig::unread("a", 5, held("a", 4, AckPolicy::Local));
    rig.step(Event::Tick);
    rig.step(Event::LeaseFetched(LeaseFetched::Absent));
    assert_eq!(rig.out, [Action::Notify(Notice::LeaseMissing)]);
    assert!(rig.control.deadline() > BootTime::default());
}

#[test]
fn lease_of_an_older_epoch_is_refused() {
    let mut rig = Rig::new("b", 5, held("a", 4, AckPolicy::Local));
    rig.promises();
    rig.sees(held("c", 3, AckPolicy::Local));
    let went_back = Notice::EpochWentBack {
        seen: Epoch::new(4),
        found: Epoch::new(3),
    };
    assert!(rig.asked(&Action::Notify(went_back)));
}

#[test]
fn restarted_holder_that_another_one_overtook_takes_nothing_however_high_its_promise() {
    let mut lease = held("a", 3, AckPolicy::Local);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    let mut rig = Rig::unread("a", 5, lease);
    rig.step(Event::PromisePersisted(Epoch::new(4)));
    rig.reads();
    assert!(rig.asked(&Action::PersistPromise(Epoch::new(5))));
    rig.sees(held("b", 4, AckPolicy::Local));
    rig.step(Event::PromisePersisted(Epoch::new(5)));
    assert_eq!(rig.role(), RoleName::Standby);
    assert!(
        !rig.out
            .iter()
            .any(|a| matches!(a, Action::WriteLease { .. }))
    );
}
