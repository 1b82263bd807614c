//! The operator's commands around a promotion.

use super::rig::*;
use crate::control::{Event, Failsafe, HookCall, HookOutcome, HookPhase, RoleName};
use crate::*;
use understudy_types::Epoch;

fn hooked(name: &str, lsn: u64, stored: Lease) -> Rig {
    let setup = Setup {
        cluster: CLUSTER,
        me: member(name),
        shards: vec![shard()],
        ack_policy: stored.ack_policy,
        failover: FailoverPolicy::Manual,
        failsafe: Failsafe::Off,
        timing: Timing::default(),
        hooks: [HookPhase::BeforePromotion, HookPhase::AfterPromotion].into(),
    };
    let mut rig = Rig::with(setup, lsn, stored);
    rig.step(Event::Tick);
    rig.reads();
    rig
}

fn in_sync_standby() -> Rig {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.in_sync = [member("b").standby_id()].into();
    let mut rig = hooked("b", 8, lease);
    rig.promises();
    rig
}

fn calls(rig: &Rig) -> Vec<HookCall> {
    let call = |action: &Action| match action {
        Action::RunHook(call) => Some((**call).clone()),
        _ => None,
    };
    rig.out.iter().filter_map(call).collect()
}

fn request() -> ActivationRequest {
    failover("b", 4, AcceptLoss::Nothing)
}

fn ended(outcome: HookOutcome) -> Event {
    let id = request().id;
    Event::HookEnded { id, outcome }
}

fn failed() -> Event {
    ended(HookOutcome::Failed("exit status: 1".to_owned()))
}

#[test]
fn failover_promises_nothing_before_its_hook_has_passed() {
    let mut rig = in_sync_standby();
    rig.step(Event::ActivationGiven(request()));
    let call = calls(&rig).remove(0);
    assert_eq!(call.phase, HookPhase::BeforePromotion);
    assert_eq!((call.epoch, call.from), (Epoch::new(5), Some(node("a"))));
    assert_eq!(call.bound, LossBound::Nothing);
    assert_eq!(call.request.unwrap().id, request().id);
    rig.passes(millis(3000));
    assert_eq!(rig.role(), RoleName::Standby);
    rig.step(ended(HookOutcome::Passed));
    assert_eq!(rig.promises(), Epoch::new(5));
}

#[test]
fn hook_that_fails_refuses_and_runs_once_for_its_request() {
    let mut rig = in_sync_standby();
    rig.step(Event::ActivationGiven(request()));
    rig.step(failed());
    assert_eq!(rig.refusals(), vec!["E315"]);
    rig.step(failed());
    assert_eq!(rig.refusals(), Vec::<&str>::new());
    for _ in 0..3 {
        rig.step(Event::ActivationGiven(request()));
        assert_eq!((calls(&rig), rig.role()), (vec![], RoleName::Standby));
    }
}

#[test]
fn what_changed_while_the_hook_ran_is_judged_again() {
    let mut rig = in_sync_standby();
    rig.step(Event::ActivationGiven(request()));
    rig.sees(held("c", 5, AckPolicy::Replicated));
    rig.step(ended(HookOutcome::Passed));
    assert_eq!(rig.refusals(), vec!["E301"]);
    let mut rig = in_sync_standby();
    rig.step(Event::ActivationGiven(request()));
    rig.step(Event::Facts(Facts {
        heads: heads(8),
        state_diverged: true,
        ..Facts::default()
    }));
    rig.step(ended(HookOutcome::Passed));
    assert_eq!(
        (rig.refusals(), rig.role()),
        (vec!["E312"], RoleName::Standby)
    );
}

/// The lease that names `b`, as `a` wrote it.
fn handed_over() -> Lease {
    let mut lease = held("a", 4, AckPolicy::Local);
    lease.handover = Some(Handover {
        successor: node("b"),
        sealed: heads(8),
        activation: Some(Consumed {
            id: request().id,
            mode: Mode::Switchover,
            by: "test".to_owned(),
            reason: String::new(),
            fenced_by: None,
            overrides: Vec::new(),
        }),
    });
    lease
}

#[test]
fn successor_takes_nothing_before_its_hook_has_passed() {
    let mut rig = hooked("b", 8, handed_over());
    assert_eq!(calls(&rig).len(), 1);
    rig.promises();
    assert!(calls(&rig).is_empty(), "it runs already");
    assert_eq!(rig.role(), RoleName::Standby);
    rig.step(ended(HookOutcome::Passed));
    assert_eq!(rig.promises(), Epoch::new(5));
}

#[test]
fn successor_whose_hook_fails_says_so_once_and_leaves_the_lease() {
    let mut rig = hooked("b", 8, handed_over());
    rig.promises();
    rig.step(failed());
    assert_eq!(rig.refusals(), vec!["E210"]);
    rig.passes(millis(100));
    assert_eq!((rig.refusals(), calls(&rig)), (vec![], vec![]));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn hook_that_passes_after_the_name_was_withdrawn_means_nothing() {
    let mut rig = hooked("b", 8, handed_over());
    rig.promises();
    rig.sees(held("a", 4, AckPolicy::Local));
    rig.step(ended(HookOutcome::Passed));
    assert_eq!(rig.role(), RoleName::Standby);
}

#[test]
fn hook_after_the_promotion_runs_once_when_the_epoch_is_served() {
    let mut rig = hooked("b", 8, handed_over());
    rig.promises();
    rig.step(ended(HookOutcome::Passed));
    rig.promises();
    rig.stops(8);
    rig.applies();
    assert!(calls(&rig).is_empty(), "the epoch is not open");
    rig.step(Event::Opened(Epoch::new(5)));
    let call = calls(&rig).remove(0);
    assert_eq!(call.phase, HookPhase::AfterPromotion);
    assert_eq!((call.epoch, call.from), (Epoch::new(5), Some(node("a"))));
    rig.passes(millis(100));
    assert!(calls(&rig).is_empty());
}

#[test]
fn restart_of_the_same_data_root_runs_no_hook() {
    let mut lease = held("b", 4, AckPolicy::Local);
    lease.holder.as_mut().unwrap().incarnation = understudy_types::Nonce::from_bytes([0; 16]);
    let mut rig = hooked("b", 8, lease);
    assert_eq!((calls(&rig), rig.promises()), (vec![], Epoch::new(5)));
    rig.stops(8);
    rig.applies();
    rig.step(Event::Opened(Epoch::new(5)));
    assert!(calls(&rig).is_empty());
}

#[test]
fn failover_is_not_held_back_by_a_handover_whose_hook_failed() {
    let mut rig = hooked("b", 8, handed_over());
    rig.promises();
    rig.step(failed());
    assert_eq!(rig.refusals(), vec!["E210"]);
    let mut request = failover("b", 4, AcceptLoss::Unknown);
    request.id = RequestId::from_bytes([2; 16]);
    let id = request.id;
    rig.step(Event::ActivationGiven(request));
    assert_eq!(calls(&rig).remove(0).request.unwrap().id, id);
    let outcome = HookOutcome::Passed;
    rig.step(Event::HookEnded { id, outcome });
    assert_eq!((calls(&rig), rig.promises()), (vec![], Epoch::new(5)));
}
