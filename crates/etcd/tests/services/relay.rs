//! What a standby's client port does with calls that only a primary answers.

use crate::{
    fake_node::{FakeNode, Proposals},
    server::{Pair, TestServer, get, get_serializable, put, soon, values},
};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::{Code, Request};
use understudy_etcd::{EtcdOptions, NOT_ACCEPTED};
use understudy_node::handle::Refusal;

fn brief_hold() -> EtcdOptions {
    EtcdOptions {
        hold: Duration::from_millis(200),
        ..EtcdOptions::default()
    }
}

#[tokio::test]
async fn standby_sends_writes_and_linearizable_reads_to_the_primary() {
    let pair = Pair::start(EtcdOptions::default()).await;
    let answer = pair
        .two
        .kv()
        .put(put("a", "1"))
        .await
        .expect("relayed")
        .into_inner();
    assert_eq!(answer.header.expect("a header").revision, 2);
    // The standby has not heard of this one: only the primary can know it.
    pair.one.node.set_followers(Vec::new());
    pair.one.node.apply_put("a", "2");
    let found = pair
        .two
        .kv()
        .range(get("a"))
        .await
        .expect("relayed")
        .into_inner();
    assert_eq!(values(&found), ["2"]);
    assert_eq!(*pair.one.node.proposal_count().borrow(), 1);
    assert_eq!(*pair.two.node.proposal_count().borrow(), 0);
}

#[tokio::test]
async fn standby_answers_serializable_reads_itself_when_there_is_no_primary() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.one.node.apply_put("a", "1");
    pair.view(1, None);
    let found = pair
        .two
        .kv()
        .range(get_serializable("a"))
        .await
        .expect("local")
        .into_inner();
    assert_eq!(values(&found), ["1"]);
}

#[tokio::test]
async fn an_error_of_the_primary_reaches_the_client_of_the_standby_unchanged() {
    let pair = Pair::start(EtcdOptions::default()).await;
    let request = understudy_wire::etcd::etcdserverpb::PutRequest {
        lease: 5,
        ..put("a", "1")
    };
    let status = pair.two.kv().put(request).await.expect_err("refused");
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "etcdserver: requested lease not found");
}

#[tokio::test]
async fn a_call_is_held_until_there_is_a_primary() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.view(1, None);
    let mut kv = pair.two.kv();
    let held = tokio::spawn(async move { kv.put(put("a", "1")).await });
    let mut other = pair.one.kv();
    let held_too = tokio::spawn(async move { other.range(get("a")).await });
    pair.switch();
    soon(held)
        .await
        .expect("no panic")
        .expect("answered by the new primary");
    soon(held_too)
        .await
        .expect("no panic")
        .expect("relayed to the new primary");
    assert_eq!(pair.two.node.revision(), 2);
}

#[tokio::test]
async fn a_call_that_no_primary_answers_is_refused_and_nothing_happened() {
    let pair = Pair::start(brief_hold()).await;
    pair.view(1, None);
    let status = soon(pair.two.kv().put(put("a", "1")))
        .await
        .expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "etcdserver: no leader");
    assert!(status.metadata().contains_key(NOT_ACCEPTED));
}

#[tokio::test]
async fn a_write_with_an_unknown_outcome_is_never_sent_again() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.one.node.set_proposals(Proposals::AnswerLost);
    for server in [&pair.one, &pair.two] {
        let before = *pair.one.node.proposal_count().borrow();
        let status = server.kv().put(put("a", "1")).await.expect_err("unknown");
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "etcdserver: request timed out");
        assert!(!status.metadata().contains_key(NOT_ACCEPTED));
        assert_eq!(*pair.one.node.proposal_count().borrow(), before + 1);
    }
}

#[tokio::test]
async fn a_node_that_just_handed_over_sends_its_calls_to_the_new_primary() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.one
        .node
        .set_proposals(Proposals::Refused(Refusal::LeaseLapsed));
    let mut refusals = pair.one.node.proposal_count();
    let mut kv = pair.one.kv();
    let held = tokio::spawn(async move { kv.put(put("a", "1")).await });
    soon(refusals.wait_for(|count| *count > 0))
        .await
        .expect("the node lives");
    pair.switch();
    soon(held)
        .await
        .expect("no panic")
        .expect("answered by the new primary");
    assert_eq!(*pair.two.node.proposal_count().borrow(), 1);
    assert_eq!(pair.two.node.revision(), 2);
}

#[tokio::test]
async fn a_lease_that_is_renewed_in_time_costs_a_call_only_time() {
    let server = TestServer::primary().await;
    server
        .node
        .set_proposals(Proposals::Refused(Refusal::LeaseLapsed));
    let mut refusals = server.node.proposal_count();
    let mut kv = server.kv();
    let held = tokio::spawn(async move { kv.put(put("a", "1")).await });
    soon(refusals.wait_for(|count| *count > 1))
        .await
        .expect("the node lives");
    server.node.set_proposals(Proposals::Answered);
    soon(held).await.expect("no panic").expect("answered");
    assert_eq!(server.node.revision(), 2);
}

#[tokio::test]
async fn what_was_relayed_is_refused_at_once_by_a_node_that_is_not_primary() {
    let pair = Pair::start(EtcdOptions::default()).await;
    let mut request = Request::new(put("a", "1"));
    request
        .metadata_mut()
        .insert("understudy-relayed", "1".parse().expect("ascii"));
    let status = pair.two.kv().put(request).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "etcdserver: leader changed");
    assert!(status.metadata().contains_key(NOT_ACCEPTED));
    assert_eq!(*pair.one.node.proposal_count().borrow(), 0);
}

#[tokio::test]
async fn two_nodes_that_take_each_other_for_the_primary_send_nothing_in_circles() {
    let pair = Pair::start(brief_hold()).await;
    pair.one
        .node
        .set_view(1, Some((&pair.two.node, &pair.two.address)));
    pair.two
        .node
        .set_view(1, Some((&pair.one.node, &pair.one.address)));
    let status = soon(pair.one.kv().put(put("a", "1")))
        .await
        .expect_err("refused");
    assert_eq!(status.message(), "etcdserver: leader changed");
    assert!(status.metadata().contains_key(NOT_ACCEPTED));
    assert_eq!(pair.one.node.revision(), 1);
}

#[tokio::test]
async fn calls_to_a_standby_outlive_a_primary_that_is_gone() {
    let Pair { one, two } = Pair::start(EtcdOptions::default()).await;
    two.kv().put(put("a", "1")).await.expect("relayed");
    one.stop().await;
    let mut kv = two.kv();
    let mut held = tokio::spawn(async move { kv.put(put("a", "2")).await });
    let early = tokio::time::timeout(Duration::from_millis(100), &mut held).await;
    assert!(early.is_err(), "{early:?}: it waits for the next primary");
    two.node.set_view(2, Some((&two.node, &two.address)));
    soon(held).await.expect("no panic").expect("answered here");
    assert_eq!(two.node.revision(), 3);
}

/// A standby that follows an address where nobody ever answers.
async fn behind_a_silent_primary() -> (TestServer, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = silent.local_addr().expect("bound").to_string();
    let server = TestServer::start(FakeNode::new("two"), EtcdOptions::default()).await;
    server
        .node
        .set_view(1, Some((&FakeNode::new("one"), &address)));
    (server, silent)
}

#[tokio::test]
async fn a_primary_that_falls_silent_leaves_a_write_unknown_before_the_hold_is_over() {
    let (server, _silent) = behind_a_silent_primary().await;
    let answer = tokio::time::timeout(Duration::from_secs(4), async {
        server.kv().put(put("a", "1")).await
    });
    let status = answer.await.expect("noticed").expect_err("unknown");
    assert_eq!(status.message(), "etcdserver: request timed out");
    assert!(!status.metadata().contains_key(NOT_ACCEPTED));
}

#[tokio::test]
async fn a_read_that_waits_for_a_silent_primary_goes_to_the_next_one_at_once() {
    let (server, silent) = behind_a_silent_primary().await;
    let mut kv = server.kv();
    let read = tokio::spawn(async move { kv.range(get("a")).await });
    let (_connection, _) = soon(silent.accept()).await.expect("the read was sent on");
    server
        .node
        .set_view(2, Some((&server.node, &server.address)));
    let answer = tokio::time::timeout(Duration::from_secs(1), read);
    answer
        .await
        .expect("at once")
        .expect("no panic")
        .expect("read here");
}

#[tokio::test]
async fn a_server_that_stops_holds_no_call() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.view(1, None);
    let mut kv = pair.two.kv();
    let held = tokio::spawn(async move { kv.put(put("a", "1")).await });
    // Answered only after the put was taken in: they share a connection.
    pair.two
        .kv()
        .range(get_serializable("a"))
        .await
        .expect("local");
    pair.two.stop().await;
    let status = soon(held).await.expect("no panic").expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
}
