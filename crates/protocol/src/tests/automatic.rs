//! A standby that may act by itself: when it does, and when it does not.

use super::rig::*;
use crate::control::{Errand, Event, Reluctance, RoleName, Step};
use crate::*;
use std::time::Duration;
use understudy_types::{Epoch, Nonce};

const HOLD_OFF: Duration = Duration::from_secs(10);
/// From the lease's last change: 11 s until it is over, and the hold-off.
const DUE: Duration = Duration::from_secs(21);

/// Standby `b` of a primary `a` in epoch 4.
fn standby(lease: Lease) -> Rig {
    let failover = FailoverPolicy::Automatic { hold_off: HOLD_OFF };
    let mut rig = Rig::of("b", 8, lease, failover);
    rig.step(Event::Tick);
    rig.reads();
    rig.promises();
    rig
}

fn in_sync(names: &[&str]) -> Lease {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.in_sync = names.iter().map(|n| member(n).standby_id()).collect();
    lease
}

impl Rig {
    /// Time passes, second by second, and the store answers all the time.
    fn watches(&mut self, duration: Duration) -> Vec<Action> {
        let mut seen = Vec::new();
        let until = self.now + duration;
        while self.now < until {
            self.passes(millis(1000).min(until.since(self.now)));
            seen.append(&mut self.out);
        }
        seen
    }
}

fn reluctances(actions: &[Action]) -> Vec<Reluctance> {
    let reluctance = |action: &Action| match action {
        Action::Notify(Notice::NoAutomaticFailover(why)) => Some(*why),
        _ => None,
    };
    actions.iter().filter_map(reluctance).collect()
}

fn own_requests(actions: &[Action]) -> Vec<ActivationRequest> {
    let request = |action: &Action| match action {
        Action::Notify(Notice::AsksItself(request)) => Some((**request).clone()),
        _ => None,
    };
    actions.iter().filter_map(request).collect()
}

fn promised(actions: &[Action]) -> Vec<Epoch> {
    let promise = |action: &Action| match action {
        Action::PersistPromise(epoch) => Some(*epoch),
        _ => None,
    };
    actions.iter().filter_map(promise).collect()
}

#[test]
fn it_takes_a_lease_that_stood_still_as_if_an_operator_had_asked() {
    let mut rig = standby(in_sync(&["b"]));
    let before = rig.watches(DUE - millis(1));
    assert_eq!(own_requests(&before), [], "not before the hold-off");
    assert_eq!(promised(&before), []);
    let at = rig.watches(millis(1));
    let [request] = &own_requests(&at)[..] else {
        panic!("one request in {at:?}")
    };
    assert_eq!(request.by, "automatic");
    assert_eq!(request.reason, "the lease stood still for 21.0 s");
    assert_eq!(request.accept_loss, AcceptLoss::Nothing);
    assert_eq!(promised(&at), [Epoch::new(5)]);
    rig.step(Event::PromisePersisted(Epoch::new(5)));
    assert!(rig.asked(&Action::StopFollowing));
    rig.stops(8);
    let (_, lease) = rig.written();
    assert_eq!(
        (lease.state, lease.epoch, lease.unacknowledged),
        (LeaseState::Held, Epoch::new(5), Some(Epoch::new(5)))
    );
    let consumed = lease.activation.as_ref().unwrap();
    assert_eq!((consumed.id, &*consumed.by), (request.id, "automatic"));
    assert!(!lease.history.last().unwrap().lossy);
    rig.applies();
    rig.step(Event::Opened(Epoch::new(5)));
    let epoch = Epoch::new(5);
    assert!(rig.asked(&Action::Notify(Notice::Unacknowledged { epoch })));
}

#[test]
fn manual_standby_never_asks_itself() {
    let mut rig = Rig::new("b", 8, in_sync(&["b"]));
    rig.promises();
    let seen = rig.watches(DUE * 10);
    assert_eq!((own_requests(&seen), promised(&seen)), (vec![], vec![]));
    assert_eq!(reluctances(&seen), []);
}

#[test]
fn it_says_once_why_it_does_not_act() {
    type Change = fn(&mut Lease);
    let cases: [(Reluctance, Change); 6] = [
        (Reluctance::Local, |l| l.ack_policy = AckPolicy::Local),
        (Reluctance::NotInSync, |l| l.in_sync.clear()),
        (Reluctance::Unacknowledged(Epoch::new(3)), |l| {
            l.unacknowledged = Some(Epoch::new(3))
        }),
        (Reluctance::Released, |l| l.state = LeaseState::Released),
        (Reluctance::Underway, |l| l.state = LeaseState::Claimed),
        (Reluctance::ShorterLog, |l| {
            l.history.last_mut().unwrap().forks = heads(9)
        }),
    ];
    for (why, change) in cases {
        let mut lease = in_sync(&["b"]);
        change(&mut lease);
        let failover = FailoverPolicy::Automatic { hold_off: HOLD_OFF };
        let mut rig = Rig::of("b", 8, lease, failover);
        rig.step(Event::Tick);
        rig.reads();
        let mut seen = std::mem::take(&mut rig.out);
        seen.append(&mut rig.watches(DUE * 3));
        assert_eq!(reluctances(&seen), [why]);
        assert_eq!(own_requests(&seen), []);
        assert_eq!(rig.role(), RoleName::Standby);
    }
}

#[test]
fn state_that_differs_is_not_promoted_by_itself() {
    let mut rig = standby(in_sync(&["b"]));
    rig.step(Event::Facts(Facts {
        heads: heads(8),
        state_diverged: true,
        ..Facts::default()
    }));
    let out = rig.watches(DUE);
    assert_eq!(reluctances(&out), [Reluctance::Diverged]);
    assert_eq!(own_requests(&out), []);
}

#[test]
fn primary_that_comes_back_within_the_hold_off_stops_it() {
    let mut rig = standby(in_sync(&["b"]));
    rig.watches(DUE - millis(100));
    let mut renewed = rig.stored.clone();
    renewed.renewals += 1;
    rig.sees(renewed);
    let seen = rig.watches(DUE - millis(100));
    assert_eq!((own_requests(&seen), promised(&seen)), (vec![], vec![]));
}

#[test]
fn primary_that_comes_back_while_the_request_is_judged_stops_it() {
    let mut rig = standby(in_sync(&["b"]));
    rig.watches(DUE - millis(1));
    rig.store_is_silent = true;
    let asked = rig.watches(millis(1));
    assert_eq!(own_requests(&asked).len(), 1);
    let mut renewed = rig.stored.clone();
    renewed.renewals += 1;
    rig.sees_later(renewed);
    rig.reads();
    assert_eq!(rig.refusals(), ["E314"]);
    assert_eq!(promised(&rig.out), [], "nothing was promised");
}

#[test]
fn primary_that_comes_back_after_the_promise_keeps_its_epoch() {
    let mut rig = standby(in_sync(&["b"]));
    rig.watches(DUE);
    assert_eq!(rig.role(), RoleName::Promoting);
    let mut renewed = rig.stored.clone();
    renewed.renewals += 1;
    rig.sees(renewed);
    rig.step(Event::PromisePersisted(Epoch::new(5)));
    assert_eq!(rig.refusals(), ["E314"]);
    assert_eq!(rig.role(), RoleName::Standby, "no claim over a live holder");
}

#[test]
fn store_that_was_silent_gives_the_primary_the_hold_off_to_renew() {
    let mut rig = standby(in_sync(&["b"]));
    rig.store_is_silent = true;
    let silent = rig.watches(DUE * 2);
    assert_eq!(own_requests(&silent), [], "nobody knows");
    rig.store_is_silent = false;
    // The read that was under way comes back with the lease as it was.
    rig.step(Event::LeaseFetched(control::LeaseFetched::NotModified));
    let seen = rig.watches(HOLD_OFF - millis(1));
    assert_eq!(own_requests(&seen), []);
    assert_eq!(own_requests(&rig.watches(millis(1))).len(), 1);
}

#[test]
fn operators_request_comes_before_its_own() {
    let mut rig = standby(in_sync(&["b"]));
    rig.watches(DUE - millis(1));
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
    rig.promises();
    rig.stops(8);
    assert_eq!(rig.written().1.unacknowledged, None);
}

/// `b` after its automatic failover into epoch 5.
fn acted() -> Rig {
    let mut lease = held("b", 4, AckPolicy::Replicated);
    lease.holder.as_mut().unwrap().incarnation = Nonce::from_bytes([0; 16]);
    lease.unacknowledged = Some(Epoch::new(4));
    let mut rig = Rig::new("b", 8, lease);
    rig.promises();
    rig.stops(8);
    rig.applies();
    rig.step(Event::Opened(Epoch::new(5)));
    rig
}

fn acknowledge(id: u8, epoch: u64) -> Event {
    Event::Errand {
        id: RequestId::from_bytes([id; 16]),
        errand: Errand::Acknowledge {
            expect_epoch: Epoch::new(epoch),
        },
    }
}

fn told(rig: &Rig, id: u8) -> Vec<Step> {
    let id = RequestId::from_bytes([id; 16]);
    let step = |action: &Action| match action {
        Action::Notify(Notice::Activation { id: of, step }) if *of == id => Some(step.clone()),
        _ => None,
    };
    rig.out.iter().filter_map(step).collect()
}

#[test]
fn mark_outlives_a_restart_and_ends_with_an_acknowledgement() {
    let mut rig = acted();
    assert_eq!(rig.stored.unacknowledged, Some(Epoch::new(4)));
    rig.step(acknowledge(7, 4));
    assert_eq!(rig.refusals(), ["E301"], "the lease is at 5");
    rig.step(acknowledge(8, 5));
    assert_eq!(rig.written().1.unacknowledged, None);
    assert_eq!(told(&rig, 8), [], "not before it is stored");
    rig.lands();
    rig.step(acknowledge(9, 5));
    assert_eq!(rig.refusals(), ["E205"]);
    rig.step(Event::LeaseWritten(control::WriteAnswer::Applied(
        rig.etag(),
    )));
    assert_eq!(told(&rig, 8), [Step::Acknowledged(Epoch::new(5))]);
    rig.step(acknowledge(10, 5));
    let done = Step::AlreadyDone {
        holder: node("b"),
        epoch: Epoch::new(5),
    };
    assert_eq!(told(&rig, 10), [done]);
}

#[test]
fn only_a_primary_acknowledges() {
    let mut rig = standby(in_sync(&["b"]));
    rig.step(acknowledge(7, 4));
    assert_eq!(rig.refusals(), ["E313"]);
}

#[test]
fn operators_failover_is_an_acknowledgement() {
    let mut lease = in_sync(&["b"]);
    lease.unacknowledged = Some(Epoch::new(4));
    let mut rig = standby(lease);
    rig.step(Event::ActivationGiven(failover(
        "b",
        4,
        AcceptLoss::Nothing,
    )));
    rig.promises();
    assert_eq!(rig.written().1.unacknowledged, None);
}

#[test]
fn hold_off_leaves_room_for_two_looks_at_the_lease() {
    let timing = Timing::default();
    let automatic = |hold_off| FailoverPolicy::automatic(hold_off, &timing);
    let hold_off = timing.ttl;
    assert_eq!(automatic(None), Ok(FailoverPolicy::Automatic { hold_off }));
    assert!(automatic(Some(millis(5000))).is_ok());
    assert!(automatic(Some(millis(4999))).is_err());
    assert!(automatic(Some(Duration::from_secs(3600))).is_ok());
    assert!(automatic(Some(Duration::from_secs(3601))).is_err());
}
