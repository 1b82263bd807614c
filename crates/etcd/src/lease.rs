//! The Lease service: not part of this server yet, and it says so.

use crate::status::unimplemented;
use tonic::{Request, Response, Status, Streaming};
use understudy_wire::etcd::etcdserverpb::{self as pb, lease_server};

pub(crate) struct LeaseService;

#[tonic::async_trait]
impl lease_server::Lease for LeaseService {
    type LeaseKeepAliveStream =
        futures::stream::Pending<Result<pb::LeaseKeepAliveResponse, Status>>;

    async fn lease_grant(
        &self,
        _: Request<pb::LeaseGrantRequest>,
    ) -> Result<Response<pb::LeaseGrantResponse>, Status> {
        Err(unimplemented("LeaseGrant"))
    }

    async fn lease_revoke(
        &self,
        _: Request<pb::LeaseRevokeRequest>,
    ) -> Result<Response<pb::LeaseRevokeResponse>, Status> {
        Err(unimplemented("LeaseRevoke"))
    }

    async fn lease_keep_alive(
        &self,
        _: Request<Streaming<pb::LeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        Err(unimplemented("LeaseKeepAlive"))
    }

    async fn lease_time_to_live(
        &self,
        _: Request<pb::LeaseTimeToLiveRequest>,
    ) -> Result<Response<pb::LeaseTimeToLiveResponse>, Status> {
        Err(unimplemented("LeaseTimeToLive"))
    }

    async fn lease_leases(
        &self,
        _: Request<pb::LeaseLeasesRequest>,
    ) -> Result<Response<pb::LeaseLeasesResponse>, Status> {
        Err(unimplemented("LeaseLeases"))
    }
}
