use super::confirm::compare;
use super::follow::{LastStep, end_of};
use super::judge::{already_done, check_lease};
use super::overrides;
use super::request::{Wish, check_pending, parse_accept_loss};
use crate::check::Verb;
use std::time::Duration;
use understudy_node::status::{Verdict, VerdictCheck};
use understudy_protocol::{
    AcceptLoss, ActivationRequest, Consumed, Lease, LeaseState, LossBound, Member, Mode,
};
use understudy_types::{ClusterId, DataId, Epoch, NodeId, Nonce};
use understudy_wire::v1::ActivationStep;

fn name(text: &str) -> NodeId {
    text.parse().unwrap()
}

fn lease(epoch: u64, holder: &str) -> Lease {
    let cluster = ClusterId::from_bytes([1; 16]);
    let mut lease = Lease::founding(
        cluster,
        "dev".into(),
        name("alpha"),
        Nonce::from_bytes([2; 16]),
    );
    lease.epoch = Epoch::new(epoch);
    lease.state = LeaseState::Held;
    lease.holder = Some(Member {
        node: name(holder),
        data_id: DataId::from_bytes([3; 16]),
        incarnation: Nonce::from_bytes([4; 16]),
        replication: "127.0.0.1:2390".into(),
        console: "127.0.0.1:2391".into(),
        clients: Default::default(),
    });
    lease
}

fn wish(verb: Verb, target: &str, epoch: u64) -> Wish {
    Wish {
        verb,
        target: name(target),
        expect_epoch: Epoch::new(epoch),
        expect_holder: None,
        accept_loss: AcceptLoss::Nothing,
        fenced_by: None,
        accept: Vec::new(),
        replace: None,
        reason: String::new(),
        by: "someone".into(),
    }
}

fn consumed(id: u8) -> Consumed {
    Consumed {
        id: Nonce::from_bytes([id; 16]),
        mode: Mode::Failover,
        by: "someone".into(),
        reason: String::new(),
        fenced_by: None,
        overrides: Vec::new(),
    }
}

#[test]
fn wrong_epoch_is_refused_with_what_the_lease_says() {
    let refusal = check_lease(&wish(Verb::Switchover, "bravo", 2), &lease(3, "alpha")).unwrap_err();
    assert_eq!(refusal.id, "E201");
    assert_eq!(
        refusal.fact,
        "you expect epoch 2, the lease is at epoch 3, held by alpha"
    );
    let refusal = check_lease(&wish(Verb::Failover, "bravo", 2), &lease(3, "alpha")).unwrap_err();
    assert_eq!(refusal.id, "E301");
}

#[test]
fn wrong_primary_is_refused() {
    let mut wish = wish(Verb::Switchover, "bravo", 3);
    wish.expect_holder = Some(name("charlie"));
    assert_eq!(
        check_lease(&wish, &lease(3, "alpha")).unwrap_err().id,
        "E201"
    );
}

#[test]
fn holder_as_target_is_refused() {
    let refusal = check_lease(&wish(Verb::Failover, "alpha", 3), &lease(3, "alpha")).unwrap_err();
    assert!(refusal.fact.contains("holds epoch 3 already"));
}

#[test]
fn same_command_twice_is_already_done() {
    let mut lease = lease(4, "bravo");
    lease.activation = Some(consumed(7));
    let done = already_done(&wish(Verb::Failover, "bravo", 3), &lease).unwrap();
    assert!(done.starts_with("already epoch 4"));
    lease.state = LeaseState::Claimed;
    assert_eq!(
        already_done(&wish(Verb::Failover, "bravo", 3), &lease),
        None
    );
}

#[test]
fn epoch_taken_by_another_node_is_not_already_done() {
    let mut lease = lease(4, "charlie");
    lease.activation = Some(consumed(7));
    assert_eq!(
        already_done(&wish(Verb::Failover, "bravo", 3), &lease),
        None
    );
}

#[test]
fn loss_is_accepted_only_as_far_as_the_operator_said() {
    let recent = Some(LossBound::Recent {
        records_known: 1,
        within: Duration::from_secs(5),
    });
    let mut wish = wish(Verb::Failover, "bravo", 3);
    assert!(wish.accepts(Some(LossBound::Nothing)));
    assert!(!wish.accepts(recent));
    assert!(!wish.accepts(None));
    wish.accept_loss = AcceptLoss::Seconds(4);
    assert!(!wish.accepts(recent));
    wish.accept_loss = AcceptLoss::Seconds(5);
    assert!(wish.accepts(recent));
    assert!(!wish.accepts(Some(LossBound::Unknown)));
    wish.accept_loss = AcceptLoss::Unknown;
    assert!(wish.accepts(Some(LossBound::Unknown)));
}

#[test]
fn accepted_loss_is_seconds_or_unknown() {
    assert_eq!(parse_accept_loss("30"), Ok(AcceptLoss::Seconds(30)));
    assert_eq!(parse_accept_loss("30s"), Ok(AcceptLoss::Seconds(30)));
    assert_eq!(parse_accept_loss("unknown"), Ok(AcceptLoss::Unknown));
    assert!(parse_accept_loss("all").is_err());
}

fn request(target: &str, lease: &Lease) -> ActivationRequest {
    wish(Verb::Switchover, target, lease.epoch.get())
        .request(lease, Vec::new())
        .unwrap()
}

#[test]
fn pending_request_for_another_target_refuses_with_a_hint() {
    let lease = lease(3, "alpha");
    let (pending, new) = (request("charlie", &lease), request("bravo", &lease));
    let now = pending.not_after_ms - 10_000;
    let refusal = check_pending(&pending, &new, &lease, None, now).unwrap_err();
    assert_eq!(refusal.id, "E205");
    assert!(
        refusal
            .way_out
            .contains(&format!("--replace {}", pending.id))
    );
    let id = pending.id.to_string();
    assert_eq!(
        check_pending(&pending, &new, &lease, Some(&id), now),
        Ok(())
    );
}

#[test]
fn request_that_can_act_no_more_is_written_over() {
    let mut lease = lease(3, "alpha");
    let (pending, new) = (request("charlie", &lease), request("bravo", &lease));
    let now = pending.not_after_ms - 10_000;
    assert_eq!(
        check_pending(&pending, &new, &lease, None, pending.not_after_ms + 1),
        Ok(())
    );
    lease.activation = Some(Consumed {
        id: pending.id,
        ..consumed(0)
    });
    assert_eq!(check_pending(&pending, &new, &lease, None, now), Ok(()));
    lease.activation = None;
    lease.epoch = Epoch::new(4);
    assert_eq!(check_pending(&pending, &new, &lease, None, now), Ok(()));
}

#[test]
fn confirmation_is_the_clusters_very_name() {
    assert_eq!(compare("dev", "dev"), Ok(()));
    assert_eq!(compare("dev", "prod").unwrap_err().id, "E311");
}

#[test]
fn steps_end_a_request_as_the_nodes_name_them() {
    let step = |step: &str| ActivationStep {
        step: step.into(),
        ..Default::default()
    };
    assert_eq!(end_of(&step("serving")), Some(LastStep::Serving));
    assert_eq!(end_of(&step("already_done")), Some(LastStep::AlreadyDone));
    assert_eq!(end_of(&step("aborted")), Some(LastStep::Refused));
    assert_eq!(end_of(&step("refused")), Some(LastStep::Refused));
    assert_eq!(end_of(&step("handed_over")), None);
    assert_eq!(end_of(&step("follows")), None);
}

fn verdict_that_refuses(ids: &[(&str, bool)]) -> Verdict {
    let checks = ids.iter().map(|(id, may_be_accepted)| VerdictCheck {
        id: (*id).to_owned(),
        outcome: "refused".to_owned(),
        fact: format!("{id} says no"),
        way_out: Some("wait".to_owned()),
        may_be_accepted: *may_be_accepted,
    });
    Verdict {
        node: name("bravo"),
        mode: "switchover".to_owned(),
        outcome: "refused".to_owned(),
        loss_bound: Some(LossBound::Nothing),
        checks: checks.collect(),
        pending_request: Some("08".repeat(16)),
        took_micros: 1,
    }
}

fn accepting(verb: Verb, checks: &[&str]) -> Wish {
    Wish {
        accept: checks.iter().map(|check| (*check).to_owned()).collect(),
        ..wish(verb, "bravo", 3)
    }
}

#[test]
fn check_that_refuses_is_overridden_by_its_id_only() {
    let verdict = verdict_that_refuses(&[("P04", true), ("P08", true)]);
    let refusal = overrides::judge(&verdict, &accepting(Verb::Switchover, &["P04"])).unwrap_err();
    assert_eq!(refusal.id, "E204");
    assert!(refusal.way_out.ends_with("--accept P08"), "{refusal}");
    let wish = accepting(Verb::Switchover, &["P04", "P08"]);
    let overridden = overrides::judge(&verdict, &wish).unwrap();
    assert_eq!(overridden.len(), 2);
    assert_eq!(overridden[0].fact, "P04 says no (--accept P04)");
    let request = wish
        .request(&lease(3, "alpha"), overridden.clone())
        .unwrap();
    assert_eq!(request.overrides, overridden);
}

#[test]
fn word_for_a_check_that_no_word_overrides_is_refused() {
    let verdict = verdict_that_refuses(&[("P04", true), ("P06", false), ("P17", false)]);
    for id in ["P06", "P17", "P99", "all"] {
        let refusal = overrides::judge(&verdict, &accepting(Verb::Switchover, &[id])).unwrap_err();
        assert_eq!(refusal.id, "E209", "{id}");
    }
    let refusal = overrides::judge(&verdict, &accepting(Verb::Failover, &["P04"])).unwrap_err();
    assert_eq!(refusal.id, "E209");
    assert!(refusal.way_out.contains("--accept-loss"));
}

#[test]
fn accepted_loss_is_recorded_as_the_override_of_its_check() {
    let mut verdict = verdict_that_refuses(&[("P04", true)]);
    verdict.loss_bound = Some(LossBound::Unknown);
    let mut wish = accepting(Verb::Failover, &[]);
    assert_eq!(overrides::judge(&verdict, &wish).unwrap_err().id, "E303");
    wish.accept_loss = AcceptLoss::Unknown;
    let overridden = overrides::judge(&verdict, &wish).unwrap();
    assert_eq!(overridden[0].fact, "P04 says no (--accept-loss unknown)");
}

#[test]
fn pending_request_is_overridden_by_its_id() {
    let verdict = verdict_that_refuses(&[("P17", false)]);
    let mut wish = accepting(Verb::Switchover, &[]);
    assert_eq!(overrides::judge(&verdict, &wish).unwrap_err().id, "E205");
    wish.replace = Some("07".repeat(16));
    assert_eq!(overrides::judge(&verdict, &wish).unwrap_err().id, "E205");
    wish.replace = verdict.pending_request.clone();
    assert_eq!(overrides::judge(&verdict, &wish).unwrap().len(), 1);
}
