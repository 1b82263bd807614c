use super::rig::*;
use crate::control::{Event, LeaseFetched, RoleName, WriteAnswer};
use crate::*;
use understudy_types::{BootTime, Epoch};

fn granted(rig: &Rig) -> Option<BootTime> {
    rig.out.iter().find_map(|action| match action {
        Action::Grant { deadline, .. } => Some(*deadline),
        _ => None,
    })
}

fn renewing() -> Rig {
    let mut rig = primary(AckPolicy::Local, &[]);
    rig.passes(millis(2000));
    rig.written();
    rig
}

#[test]
fn deadline_counts_from_before_the_request() {
    let mut rig = renewing();
    let sent = rig.now;
    rig.lands();
    rig.now = rig.now + millis(1400);
    rig.step(Event::LeaseWritten(WriteAnswer::Applied(rig.etag())));
    assert_eq!(granted(&rig), Some(sent + millis(9000)));
}

#[test]
fn own_write_whose_answer_was_lost_is_recognised_with_its_own_time() {
    for answer in [WriteAnswer::Unknown, WriteAnswer::Refused] {
        let mut rig = renewing();
        let sent = rig.now;
        rig.lands();
        rig.now = rig.now + millis(1500);
        rig.step(Event::LeaseWritten(answer));
        assert!(
            rig.asked(&Action::FetchLease { known: None }),
            "read back, whatever is known"
        );
        rig.reads();
        assert_eq!(granted(&rig), Some(sent + millis(9000)));
        assert_eq!(rig.role(), RoleName::Primary);
    }
}

#[test]
fn write_that_is_not_there_is_sent_again_on_the_same_base_with_a_new_nonce() {
    let mut rig = renewing();
    let (base, first) = rig.written();
    rig.step(Event::LeaseWritten(WriteAnswer::Unknown));
    rig.reads();
    let (again, second) = rig.written();
    assert_eq!(base, again);
    assert_ne!(first.nonce, second.nonce);
}

#[test]
fn first_attempt_that_lands_late_is_still_ours() {
    let mut rig = renewing();
    let (_, first) = rig.written();
    let sent = rig.now;
    rig.step(Event::LeaseWritten(WriteAnswer::Unknown));
    rig.now = rig.now + millis(500);
    rig.reads();
    rig.written();
    rig.step(Event::LeaseWritten(WriteAnswer::Refused));
    // The store shows the first attempt: the second was refused by it.
    let fetched = LeaseFetched::Found {
        etag: ETag("late".to_owned()),
        body: first.encode(),
    };
    rig.step(Event::LeaseFetched(fetched));
    assert_eq!(granted(&rig), Some(sent + millis(9000)));
}

#[test]
fn failed_read_back_is_tried_again_and_never_assumed() {
    let mut rig = renewing();
    rig.step(Event::LeaseWritten(WriteAnswer::Unknown));
    rig.step(Event::LeaseFetched(LeaseFetched::Failed));
    rig.passes(millis(100));
    assert!(rig.asked(&Action::FetchLease { known: None }));
    assert_eq!(granted(&rig), None);
}

#[test]
fn holder_that_cannot_renew_says_so_at_its_deadline_and_when_it_can_again() {
    let mut rig = renewing();
    rig.step(Event::LeaseWritten(WriteAnswer::Unknown));
    rig.passes(millis(8000));
    assert!(rig.asked(&Action::Notify(Notice::Lapsed)));
    assert_eq!(rig.role(), RoleName::Lapsed);
    rig.reads();
    rig.applies();
    assert!(rig.asked(&Action::Notify(Notice::Recovered)));
    assert_eq!(rig.role(), RoleName::Primary);
}

#[test]
fn superseded_holder_revokes_closes_and_follows() {
    let mut rig = renewing();
    rig.step(Event::LeaseWritten(WriteAnswer::Refused));
    rig.stored = held("b", 3, AckPolicy::Local);
    let fetched = LeaseFetched::Found {
        etag: ETag("other".to_owned()),
        body: rig.stored.encode(),
    };
    rig.step(Event::LeaseFetched(fetched));
    assert!(rig.asked(&Action::Revoke) && rig.asked(&Action::Close));
    assert_eq!(rig.promises(), Epoch::new(3));
}

#[test]
fn clone_that_writes_in_this_nodes_name_makes_it_give_way() {
    let mut rig = primary(AckPolicy::Local, &[]);
    let mut lease = rig.stored.clone();
    lease.holder.as_mut().unwrap().incarnation = understudy_types::Nonce::from_bytes([66; 16]);
    rig.sees(lease);
    assert!(rig.asked(&Action::Notify(Notice::Cloned)));
}
