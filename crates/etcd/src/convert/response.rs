//! What the data model answers, as messages.

use understudy_kv as kv;
use understudy_wire::etcd::etcdserverpb::{self as pb, ResponseHeader, response_op};
use understudy_wire::etcd::mvccpb;

pub(crate) fn key_value(kv: kv::KeyValue) -> mvccpb::KeyValue {
    let kv::KeyValue {
        key,
        create_revision,
        mod_revision,
        version,
        value,
        lease,
    } = kv;
    mvccpb::KeyValue {
        key,
        create_revision,
        mod_revision,
        version,
        value,
        lease,
    }
}

fn key_values(kvs: Vec<kv::KeyValue>) -> Vec<mvccpb::KeyValue> {
    kvs.into_iter().map(key_value).collect()
}

pub(crate) fn range(response: kv::RangeResponse, header: ResponseHeader) -> pb::RangeResponse {
    let kv::RangeResponse {
        revision: _,
        kvs,
        more,
        count,
    } = response;
    pb::RangeResponse {
        header: Some(header),
        kvs: key_values(kvs),
        more,
        count,
    }
}

pub(crate) fn put(response: kv::PutResponse, header: ResponseHeader) -> pb::PutResponse {
    let prev_kv = response.prev_kv.map(key_value);
    pb::PutResponse {
        header: Some(header),
        prev_kv,
    }
}

pub(crate) fn delete_range(
    response: kv::DeleteRangeResponse,
    header: ResponseHeader,
) -> pb::DeleteRangeResponse {
    let kv::DeleteRangeResponse {
        revision: _,
        deleted,
        prev_kvs,
    } = response;
    pb::DeleteRangeResponse {
        header: Some(header),
        deleted,
        prev_kvs: key_values(prev_kvs),
    }
}

pub(crate) fn txn(response: kv::TxnResponse, header: ResponseHeader) -> pb::TxnResponse {
    let kv::TxnResponse {
        revision: _,
        succeeded,
        responses,
    } = response;
    let responses = responses.into_iter().map(operation).collect();
    pb::TxnResponse {
        header: Some(header),
        succeeded,
        responses,
    }
}

/// The answers inside a txn have a header that tells the revision only.
fn operation(response: kv::OperationResponse) -> pb::ResponseOp {
    use response_op::Response;
    let inner = |revision| ResponseHeader {
        revision,
        ..ResponseHeader::default()
    };
    let response = match response {
        kv::OperationResponse::Range(response) => {
            let header = inner(response.revision);
            Response::ResponseRange(range(response, header))
        }
        kv::OperationResponse::Put(response) => {
            let header = inner(response.revision);
            Response::ResponsePut(put(response, header))
        }
        kv::OperationResponse::DeleteRange(response) => {
            let header = inner(response.revision);
            Response::ResponseDeleteRange(delete_range(response, header))
        }
        kv::OperationResponse::Txn(response) => {
            let header = inner(response.revision);
            Response::ResponseTxn(txn(response, header))
        }
    };
    pb::ResponseOp {
        response: Some(response),
    }
}

pub(crate) fn event(event: &kv::Event, previous: kv::PreviousVersion) -> mvccpb::Event {
    let kind = match event.kind {
        kv::EventKind::Put => mvccpb::event::EventType::Put,
        kv::EventKind::Delete => mvccpb::event::EventType::Delete,
    };
    let prev_kv = match previous {
        kv::PreviousVersion::Include => event.prev_kv.clone().map(key_value),
        kv::PreviousVersion::Omit => None,
    };
    mvccpb::Event {
        r#type: kind.into(),
        kv: Some(key_value(event.kv.clone())),
        prev_kv,
    }
}
