//! The Maintenance service: how this node is. What operators change here on
//! etcd is done with the project's own tool.

use crate::{backend::Backend, door::Door, identity, status, status::unimplemented};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use understudy_kv::KvState;
use understudy_state::StateMachine;
use understudy_types::lsn_value;
use understudy_wire::etcd::etcdserverpb::maintenance_server;
use understudy_wire::etcd::etcdserverpb::{self as pb, alarm_request::AlarmAction};

/// The etcd release whose API this is; clients choose features by it.
const API_VERSION: &str = "3.5.30";

pub(crate) struct MaintenanceService<B>(pub(crate) Arc<Door<B>>);

#[tonic::async_trait]
impl<B: Backend> maintenance_server::Maintenance for MaintenanceService<B> {
    type SnapshotStream = futures::stream::Pending<Result<pb::SnapshotResponse, Status>>;

    /// Alarms are told; they are set and cleared by their causes.
    async fn alarm(
        &self,
        request: Request<pb::AlarmRequest>,
    ) -> Result<Response<pb::AlarmResponse>, Status> {
        if request.get_ref().action != i32::from(AlarmAction::Get) {
            return Err(unimplemented("Alarm other than GET"));
        }
        let header = Some(self.0.header(self.0.backend.read(KvState::revision)));
        Ok(Response::new(pb::AlarmResponse {
            header,
            alarms: Vec::new(),
        }))
    }

    async fn status(
        &self,
        _: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::StatusResponse>, Status> {
        let door = &self.0;
        let view = door.view();
        let applied = lsn_value(*door.backend.applied().borrow());
        let (revision, bytes) = door
            .backend
            .read(|state| (state.revision(), state.memory_bytes()));
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let primary = view.primary.as_ref();
        let leader =
            primary.map(|primary| identity::member_id(door.backend.cluster(), &primary.node));
        let errors = match leader {
            Some(_) => Vec::new(),
            None => vec![status::no_primary().message().to_owned()],
        };
        Ok(Response::new(pb::StatusResponse {
            header: Some(door.identity.header(revision, view.epoch)),
            version: API_VERSION.to_owned(),
            db_size: bytes,
            leader: leader.unwrap_or(0),
            raft_index: applied,
            raft_term: view.epoch.get(),
            raft_applied_index: applied,
            errors,
            db_size_in_use: bytes,
            is_learner: false,
            storage_version: String::new(),
            db_size_quota: 0,
            downgrade_info: None,
        }))
    }

    async fn hash(
        &self,
        _: Request<pb::HashRequest>,
    ) -> Result<Response<pb::HashResponse>, Status> {
        let hashed = self
            .0
            .backend
            .read(|state| state.hash_kv(0))
            .map_err(status::of_kv_error)?;
        let header = Some(self.0.header(hashed.revision));
        Ok(Response::new(pb::HashResponse {
            header,
            hash: hashed.hash,
        }))
    }

    async fn hash_kv(
        &self,
        request: Request<pb::HashKvRequest>,
    ) -> Result<Response<pb::HashKvResponse>, Status> {
        let revision = request.get_ref().revision;
        let hashed = self
            .0
            .backend
            .read(|state| state.hash_kv(revision))
            .map_err(status::of_kv_error)?;
        Ok(Response::new(pb::HashKvResponse {
            header: Some(self.0.header(hashed.revision)),
            hash: hashed.hash,
            // As etcd says it: -1 where nothing was ever compacted.
            compact_revision: hashed.compact_revision.unwrap_or(-1),
            hash_revision: hashed.hash_revision,
        }))
    }

    async fn defragment(
        &self,
        _: Request<pb::DefragmentRequest>,
    ) -> Result<Response<pb::DefragmentResponse>, Status> {
        Err(unimplemented("Defragment"))
    }

    async fn snapshot(
        &self,
        _: Request<pb::SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        Err(unimplemented("Snapshot"))
    }

    async fn move_leader(
        &self,
        _: Request<pb::MoveLeaderRequest>,
    ) -> Result<Response<pb::MoveLeaderResponse>, Status> {
        Err(unimplemented("MoveLeader (use `understudy switchover`)"))
    }

    async fn downgrade(
        &self,
        _: Request<pb::DowngradeRequest>,
    ) -> Result<Response<pb::DowngradeResponse>, Status> {
        Err(unimplemented("Downgrade"))
    }
}
