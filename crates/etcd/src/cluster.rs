//! The Cluster service: who serves this shard. Members are configured, so
//! nothing here changes them.

use crate::{backend::Backend, door::Door, identity, status::unimplemented};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use understudy_kv::KvState;
use understudy_types::NodeId;
use understudy_wire::etcd::etcdserverpb::{self as pb, cluster_server};

pub(crate) struct ClusterService<B>(pub(crate) Arc<Door<B>>);

impl<B: Backend> ClusterService<B> {
    /// This node, the configured others, and the primary when it is neither.
    fn members(&self) -> Vec<pb::Member> {
        let door = &self.0;
        let mut members = vec![self.member(door.backend.node(), door.options.client_urls.clone())];
        for other in &door.options.other_members {
            members.push(self.member(&other.node, other.client_urls.clone()));
        }
        if let Some(primary) = door.view().primary {
            let member = self.member(
                &primary.node,
                vec![door.options.client_url(&primary.client_address)],
            );
            if members.iter().all(|known| known.id != member.id) {
                members.push(member);
            }
        }
        members
    }

    fn member(&self, node: &NodeId, client_urls: Vec<String>) -> pb::Member {
        pb::Member {
            id: identity::member_id(self.0.backend.cluster(), node),
            name: node.to_string(),
            peer_ur_ls: Vec::new(),
            client_ur_ls: client_urls,
            is_learner: false,
        }
    }
}

#[tonic::async_trait]
impl<B: Backend> cluster_server::Cluster for ClusterService<B> {
    async fn member_list(
        &self,
        _: Request<pb::MemberListRequest>,
    ) -> Result<Response<pb::MemberListResponse>, Status> {
        let revision = self.0.backend.read(KvState::revision);
        let header = Some(self.0.header(revision));
        Ok(Response::new(pb::MemberListResponse {
            header,
            members: self.members(),
        }))
    }

    async fn member_add(
        &self,
        _: Request<pb::MemberAddRequest>,
    ) -> Result<Response<pb::MemberAddResponse>, Status> {
        Err(unimplemented("MemberAdd"))
    }

    async fn member_remove(
        &self,
        _: Request<pb::MemberRemoveRequest>,
    ) -> Result<Response<pb::MemberRemoveResponse>, Status> {
        Err(unimplemented("MemberRemove"))
    }

    async fn member_update(
        &self,
        _: Request<pb::MemberUpdateRequest>,
    ) -> Result<Response<pb::MemberUpdateResponse>, Status> {
        Err(unimplemented("MemberUpdate"))
    }

    async fn member_promote(
        &self,
        _: Request<pb::MemberPromoteRequest>,
    ) -> Result<Response<pb::MemberPromoteResponse>, Status> {
        Err(unimplemented("MemberPromote"))
    }
}
