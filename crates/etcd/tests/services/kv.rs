//! KV, Cluster, Maintenance and Lease on a primary.

use crate::{
    fake_node::Proposals,
    server::{TestServer, bytes, get, put, values},
};
use tonic::Code;
use understudy_etcd::NOT_ACCEPTED;
use understudy_node::handle::Refusal;
use understudy_wire::etcd::etcdserverpb::{
    self as pb, cluster_client::ClusterClient, compare, lease_client::LeaseClient,
    maintenance_client::MaintenanceClient, request_op::Request, response_op::Response,
};

fn operation(request: Request) -> pb::RequestOp {
    pb::RequestOp {
        request: Some(request),
    }
}

#[tokio::test]
async fn an_answer_has_a_header_with_revision_and_epoch() {
    let server = TestServer::primary().await;
    let first = server
        .kv()
        .put(put("a", "1"))
        .await
        .expect("put")
        .into_inner();
    let header = first.header.expect("a header");
    assert_eq!((header.revision, header.raft_term), (2, 1));
    assert_ne!(header.cluster_id, 0);
    assert_ne!(header.member_id, 0);
    let found = server
        .kv()
        .range(get("a"))
        .await
        .expect("range")
        .into_inner();
    assert_eq!(found.header, Some(header));
    assert_eq!(values(&found), ["1"]);
}

#[tokio::test]
async fn a_transaction_takes_the_branch_that_its_comparisons_choose() {
    let server = TestServer::primary().await;
    let txn = pb::TxnRequest {
        compare: vec![pb::Compare {
            target: compare::CompareTarget::Create.into(),
            key: bytes("a"),
            target_union: Some(compare::TargetUnion::CreateRevision(0)),
            ..pb::Compare::default()
        }],
        success: vec![operation(Request::RequestPut(put("a", "new")))],
        failure: vec![operation(Request::RequestRange(get("a")))],
    };
    let first = server
        .kv()
        .txn(txn.clone())
        .await
        .expect("txn")
        .into_inner();
    assert!(first.succeeded);
    let second = server.kv().txn(txn).await.expect("txn").into_inner();
    assert!(!second.succeeded);
    let Some(Response::ResponseRange(range)) = &second.responses[0].response else {
        panic!("{second:?}")
    };
    assert_eq!(values(range), ["new"]);
}

#[tokio::test]
async fn a_transaction_that_only_reads_takes_no_place_in_the_log() {
    let server = TestServer::primary().await;
    server.node.apply_put("a", "1");
    let txn = pb::TxnRequest {
        success: vec![operation(Request::RequestRange(get("a")))],
        ..pb::TxnRequest::default()
    };
    let answer = server.kv().txn(txn).await.expect("txn").into_inner();
    assert!(answer.succeeded);
    assert_eq!(answer.header.expect("a header").revision, 2);
    assert_eq!(*server.node.proposal_count().borrow(), 0);
}

#[tokio::test]
async fn a_compaction_ends_reads_below_it() {
    let server = TestServer::primary().await;
    for value in ["1", "2", "3"] {
        server.node.apply_put("a", value);
    }
    let compaction = pb::CompactionRequest {
        revision: 3,
        physical: true,
    };
    server.kv().compact(compaction).await.expect("compacts");
    let at = |revision| pb::RangeRequest {
        revision,
        ..get("a")
    };
    let old = server.kv().range(at(2)).await.expect_err("compacted");
    assert_eq!(old.code(), Code::OutOfRange);
    assert_eq!(
        old.message(),
        "etcdserver: mvcc: required revision has been compacted"
    );
    let future = server.kv().range(at(9)).await.expect_err("not yet");
    assert_eq!(
        future.message(),
        "etcdserver: mvcc: required revision is a future revision"
    );
    assert_eq!(
        values(&server.kv().range(at(3)).await.expect("kept").into_inner()),
        ["2"]
    );
}

#[tokio::test]
async fn a_senseless_request_is_refused_before_it_takes_a_place_in_the_log() {
    let server = TestServer::primary().await;
    let status = server.kv().put(put("", "1")).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "etcdserver: key is not provided");
    let status = server.kv().range(get("")).await.expect_err("refused");
    assert_eq!(status.message(), "etcdserver: key is not provided");
    assert_eq!(*server.node.proposal_count().borrow(), 0);
}

#[tokio::test]
async fn a_lease_that_does_not_exist_is_not_found() {
    let server = TestServer::primary().await;
    let request = pb::PutRequest {
        lease: 77,
        ..put("a", "1")
    };
    let status = server.kv().put(request).await.expect_err("refused");
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "etcdserver: requested lease not found");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_by_size() {
    let server = TestServer::primary().await;
    let of = |size: usize| pb::PutRequest {
        value: vec![0; size].into(),
        ..put("a", "")
    };
    let status = server.kv().put(of(1600 * 1024)).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "etcdserver: request is too large");
    let status = server
        .kv()
        .put(of(3 * 1024 * 1024))
        .await
        .expect_err("refused");
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_full_disk_is_told_at_once_and_that_nothing_happened() {
    let server = TestServer::primary().await;
    server
        .node
        .set_proposals(Proposals::Refused(Refusal::DiskFull));
    let status = server.kv().put(put("a", "1")).await.expect_err("refused");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.message(),
        "etcdserver: mvcc: database space exceeded"
    );
    assert!(status.metadata().contains_key(NOT_ACCEPTED));
}

#[tokio::test]
async fn status_and_members_name_this_node_as_the_leader() {
    let server = TestServer::primary().await;
    server.node.apply_put("a", "1");
    let mut maintenance = MaintenanceClient::new(server.channel.clone());
    let status = maintenance
        .status(pb::StatusRequest {})
        .await
        .expect("status")
        .into_inner();
    let header = status.header.expect("a header");
    assert_eq!(status.leader, header.member_id);
    assert_eq!(
        (status.raft_applied_index, status.raft_term, header.revision),
        (1, 1, 2)
    );
    assert!(status.errors.is_empty());
    let mut cluster = ClusterClient::new(server.channel.clone());
    let list = cluster.member_list(pb::MemberListRequest::default()).await;
    let members = list.expect("members").into_inner().members;
    assert_eq!(members.len(), 1);
    assert_eq!(
        (members[0].id, members[0].name.as_str()),
        (header.member_id, "one")
    );
    let alarms = maintenance
        .alarm(pb::AlarmRequest::default())
        .await
        .expect("alarms");
    assert!(alarms.into_inner().alarms.is_empty());
}

#[tokio::test]
async fn hash_kv_tells_equal_states_by_equal_hashes() {
    let (one, two) = (TestServer::primary().await, TestServer::primary().await);
    for server in [&one, &two] {
        server.node.apply_put("a", "1");
    }
    two.node.apply_put("a", "2");
    let hash = async |server: &TestServer, revision| {
        let mut client = MaintenanceClient::new(server.channel.clone());
        client
            .hash_kv(pb::HashKvRequest { revision })
            .await
            .expect("hash")
            .into_inner()
            .hash
    };
    assert_eq!(hash(&one, 2).await, hash(&two, 2).await);
    assert_ne!(hash(&one, 0).await, hash(&two, 0).await);
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let server = TestServer::primary().await;
    let mut lease = LeaseClient::new(server.channel.clone());
    let status = lease
        .lease_grant(pb::LeaseGrantRequest::default())
        .await
        .expect_err("not yet");
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "understudy: LeaseGrant is not served");
}
