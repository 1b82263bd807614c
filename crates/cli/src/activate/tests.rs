use super::confirm::compare;
use super::follow::{End, end_of};
use super::judge::{already_done, check_lease};
use super::request::{Wish, check_pending, parse_accept_loss};
use crate::check::Verb;
use std::time::Duration;
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
        reason: String::new(),
    }
}

fn consumed(id: u8) -> Consumed {
    Consumed {
        id: Nonce::from_bytes([id; 16]),
        mode: Mode::Failover,
        by: "someone".into(),
        reason: String::new(),
        fenced_by: None,
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
        .request(lease)
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
    assert_eq!(end_of(&step("serving")), Some(End::Serving));
    assert_eq!(end_of(&step("already_done")), Some(End::AlreadyDone));
    assert_eq!(end_of(&step("aborted")), Some(End::Refused));
    assert_eq!(end_of(&step("refused")), Some(End::Refused));
    assert_eq!(end_of(&step("handed_over")), None);
    assert_eq!(end_of(&step("follows")), None);
}
