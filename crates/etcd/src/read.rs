//! Calls that only read: from what this node has applied where the client
//! allows that, otherwise at the primary, without the log.

use crate::{
    backend::Backend,
    call::{Call, Failure, Repeat},
    convert::response,
    door::Door,
    relay::relayed_request,
    status,
};
use tonic::{Response, Status, transport::Channel};
use understudy_kv::{KvError, KvState, RangeRequest, Txn};
use understudy_wire::etcd::etcdserverpb::{
    self as pb, ResponseHeader, kv_client::KvClient, request_op::Request as Operation,
};

/// A read, as the client sent it and as the state takes it.
pub(crate) struct Read<W, R> {
    pub(crate) wire: W,
    pub(crate) request: R,
}

/// What the state answers to a request that changes nothing.
pub(crate) trait Query: Send + Sync {
    type Found: Send;
    type Answer: Send;

    fn find(&self, state: &KvState) -> Result<Self::Found, KvError>;

    fn revision(found: &Self::Found) -> i64;

    fn answer(found: Self::Found, header: ResponseHeader) -> Self::Answer;
}

/// Reads what this node has applied, primary or not.
pub(crate) fn read_local<B: Backend, R: Query>(
    door: &Door<B>,
    request: &R,
) -> Result<R::Answer, Status> {
    let found = door
        .backend
        .read(|state| request.find(state))
        .map_err(status::of_kv_error)?;
    let header = door.header(R::revision(&found));
    Ok(R::answer(found, header))
}

fn read_linearizable<B: Backend, R: Query>(
    door: &Door<B>,
    request: &R,
) -> Result<R::Answer, Failure> {
    let found = door
        .backend
        .read_linearizable(|state| request.find(state))?
        .map_err(|error| Failure::Final(status::of_kv_error(error)))?;
    let header = door.header(R::revision(&found));
    Ok(R::answer(found, header))
}

impl Call for Read<pb::RangeRequest, RangeRequest> {
    type Answer = pb::RangeResponse;

    const REPEAT: Repeat = Repeat::Always;

    async fn answer_here<B: Backend>(&self, door: &Door<B>) -> Result<Self::Answer, Failure> {
        read_linearizable(door, &self.request)
    }

    async fn send_on(&self, mut client: KvClient<Channel>) -> Result<Self::Answer, Status> {
        client
            .range(relayed_request(self.wire.clone()))
            .await
            .map(Response::into_inner)
    }
}

impl Call for Read<pb::TxnRequest, Txn> {
    type Answer = pb::TxnResponse;

    const REPEAT: Repeat = Repeat::Always;

    async fn answer_here<B: Backend>(&self, door: &Door<B>) -> Result<Self::Answer, Failure> {
        read_linearizable(door, &self.request)
    }

    async fn send_on(&self, mut client: KvClient<Channel>) -> Result<Self::Answer, Status> {
        client
            .txn(relayed_request(self.wire.clone()))
            .await
            .map(Response::into_inner)
    }
}

impl Query for RangeRequest {
    type Found = understudy_kv::RangeResponse;
    type Answer = pb::RangeResponse;

    fn find(&self, state: &KvState) -> Result<Self::Found, KvError> {
        state.range(self)
    }

    fn revision(found: &Self::Found) -> i64 {
        found.revision
    }

    fn answer(found: Self::Found, header: ResponseHeader) -> Self::Answer {
        response::range(found, header)
    }
}

impl Query for Txn {
    type Found = understudy_kv::TxnResponse;
    type Answer = pb::TxnResponse;

    fn find(&self, state: &KvState) -> Result<Self::Found, KvError> {
        state.read_txn(self)
    }

    fn revision(found: &Self::Found) -> i64 {
        found.revision
    }

    fn answer(found: Self::Found, header: ResponseHeader) -> Self::Answer {
        response::txn(found, header)
    }
}

/// Whether the client lets every operation of a txn see an older state.
pub(crate) fn is_serializable(txn: &pb::TxnRequest) -> bool {
    txn.success
        .iter()
        .chain(&txn.failure)
        .all(|operation| match &operation.request {
            Some(Operation::RequestRange(range)) => range.serializable,
            Some(Operation::RequestTxn(nested)) => is_serializable(nested),
            _ => false,
        })
}
