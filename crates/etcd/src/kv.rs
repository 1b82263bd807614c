//! The KV service: what a request is, and which way it goes.

use crate::{
    backend::Backend,
    call::Origin,
    convert::request,
    door::Door,
    read::{Read, is_serializable, read_local},
    write::propose,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use understudy_kv::{Command, CompactRequest};
use understudy_wire::etcd::etcdserverpb::{self as pb, kv_server};

pub(crate) struct KvService<B>(pub(crate) Arc<Door<B>>);

#[tonic::async_trait]
impl<B: Backend> kv_server::Kv for KvService<B> {
    async fn range(
        &self,
        request: Request<pb::RangeRequest>,
    ) -> Result<Response<pb::RangeResponse>, Status> {
        let origin = Origin::of(request.metadata());
        let wire = request.into_inner();
        let request = request::range(&wire)?;
        let answer = match wire.serializable {
            true => read_local(&self.0, &request)?,
            false => self.0.answer(&Read { wire, request }, origin).await?,
        };
        Ok(Response::new(answer))
    }

    async fn put(
        &self,
        request: Request<pb::PutRequest>,
    ) -> Result<Response<pb::PutResponse>, Status> {
        let origin = Origin::of(request.metadata());
        let wire = request.into_inner();
        let command = Command::Put(request::put(&wire));
        propose(&self.0, wire, command, origin).await
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Result<Response<pb::DeleteRangeResponse>, Status> {
        let origin = Origin::of(request.metadata());
        let wire = request.into_inner();
        let command = Command::DeleteRange(request::delete_range(&wire));
        propose(&self.0, wire, command, origin).await
    }

    async fn txn(
        &self,
        request: Request<pb::TxnRequest>,
    ) -> Result<Response<pb::TxnResponse>, Status> {
        let origin = Origin::of(request.metadata());
        let wire = request.into_inner();
        let txn = request::txn(&wire)?;
        if !txn.is_read_only() {
            return propose(&self.0, wire, Command::Txn(txn), origin).await;
        }
        let answer = match is_serializable(&wire) {
            true => read_local(&self.0, &txn)?,
            false => self.0.answer(&Read { wire, request: txn }, origin).await?,
        };
        Ok(Response::new(answer))
    }

    /// A compaction is done when it is applied: there is no file to shrink,
    /// so `physical` asks for nothing more.
    async fn compact(
        &self,
        request: Request<pb::CompactionRequest>,
    ) -> Result<Response<pb::CompactionResponse>, Status> {
        let origin = Origin::of(request.metadata());
        let wire = request.into_inner();
        let command = Command::Compact(CompactRequest {
            revision: wire.revision,
        });
        propose(&self.0, wire, command, origin).await
    }
}
