use super::{request, response};
use bytes::Bytes;
use tonic::Code;
use understudy_kv as kv;
use understudy_wire::etcd::etcdserverpb::{self as pb, ResponseHeader, compare, request_op};

#[test]
fn a_range_keeps_every_option() {
    let wire = pb::RangeRequest {
        key: Bytes::from_static(b"a"),
        range_end: Bytes::from_static(b"b"),
        limit: 1,
        revision: 2,
        sort_order: pb::range_request::SortOrder::Descend.into(),
        sort_target: pb::range_request::SortTarget::Mod.into(),
        serializable: true,
        keys_only: true,
        count_only: true,
        min_mod_revision: 3,
        max_mod_revision: 4,
        min_create_revision: 5,
        max_create_revision: 6,
    };
    let expected = kv::RangeRequest {
        key: Bytes::from_static(b"a"),
        range_end: Bytes::from_static(b"b"),
        limit: 1,
        revision: 2,
        sort_order: kv::SortOrder::Descend,
        sort_target: kv::SortTarget::ModRevision,
        keys_only: true,
        count_only: true,
        min_mod_revision: 3,
        max_mod_revision: 4,
        min_create_revision: 5,
        max_create_revision: 6,
    };
    assert_eq!(request::range(&wire).expect("valid"), expected);
}

#[test]
fn a_sort_order_that_does_not_exist_is_refused() {
    let wire = pb::RangeRequest {
        key: Bytes::from_static(b"a"),
        sort_order: 9,
        ..pb::RangeRequest::default()
    };
    let status = request::range(&wire).expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "etcdserver: invalid sort option");
}

#[test]
fn an_operation_without_content_is_a_key_that_is_not_found() {
    let wire = pb::TxnRequest {
        success: vec![pb::RequestOp { request: None }],
        ..pb::TxnRequest::default()
    };
    let status = request::txn(&wire).expect_err("refused");
    assert_eq!(status.message(), "etcdserver: key not found");
}

#[test]
fn a_comparison_takes_its_kind_from_the_target_not_from_the_operand() {
    let target = |target: compare::CompareTarget, operand| {
        let wire = pb::TxnRequest {
            compare: vec![pb::Compare {
                target: target.into(),
                target_union: operand,
                ..pb::Compare::default()
            }],
            ..pb::TxnRequest::default()
        };
        request::txn(&wire).expect("valid").compare.remove(0).target
    };
    use compare::{CompareTarget as Target, TargetUnion as Operand};
    let seven = Some(Operand::ModRevision(7));
    assert_eq!(
        target(Target::Mod, seven.clone()),
        kv::CompareTarget::ModRevision(7)
    );
    assert_eq!(
        target(Target::Create, seven),
        kv::CompareTarget::CreateRevision(0)
    );
    assert_eq!(
        target(Target::Value, None),
        kv::CompareTarget::Value(Bytes::new())
    );
}

#[test]
fn nested_transactions_keep_their_shape() {
    let put = request_op::Request::RequestPut(pb::PutRequest {
        key: Bytes::from_static(b"k"),
        lease: 5,
        ..pb::PutRequest::default()
    });
    let inner = pb::TxnRequest {
        failure: vec![pb::RequestOp { request: Some(put) }],
        ..pb::TxnRequest::default()
    };
    let nested = request_op::Request::RequestTxn(inner);
    let outer = pb::TxnRequest {
        success: vec![pb::RequestOp {
            request: Some(nested),
        }],
        ..pb::TxnRequest::default()
    };
    let txn = request::txn(&outer).expect("valid");
    let [kv::Operation::Txn(inner)] = &txn.success[..] else {
        panic!("{txn:?}")
    };
    let [kv::Operation::Put(put)] = &inner.failure[..] else {
        panic!("{inner:?}")
    };
    assert_eq!((&put.key[..], put.lease), (&b"k"[..], 5));
}

#[test]
fn answers_inside_a_transaction_tell_the_revision_only() {
    let answer = kv::TxnResponse {
        revision: 9,
        succeeded: true,
        responses: vec![kv::OperationResponse::Put(kv::PutResponse {
            revision: 9,
            prev_kv: None,
        })],
    };
    let header = ResponseHeader {
        cluster_id: 1,
        member_id: 2,
        revision: 9,
        raft_term: 3,
    };
    let wire = response::txn(answer, header);
    assert_eq!(wire.header, Some(header));
    let Some(pb::response_op::Response::ResponsePut(put)) = &wire.responses[0].response else {
        panic!("{wire:?}")
    };
    assert_eq!(
        put.header,
        Some(ResponseHeader {
            revision: 9,
            ..ResponseHeader::default()
        })
    );
}
