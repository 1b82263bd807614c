//! The gRPC server of one shard.

use crate::{
    backend::Backend, cluster::ClusterService, door::Door, kv::KvService, lease::LeaseService,
    maintenance::MaintenanceService, options::EtcdOptions, watch::WatchService,
};
use http::{HeaderMap, HeaderValue, Response};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code,
    body::Body,
    service::Routes,
    transport::{self, Server, server::TcpIncoming},
};
use tower::util::MapResponseLayer;
use understudy_kv::KvState;
use understudy_node::handle::ShardHandle;
use understudy_wire::etcd::etcdserverpb::{
    cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
    maintenance_server::MaintenanceServer, watch_server::WatchServer,
};

const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The etcd API of one shard, to be served on one address.
pub struct EtcdServer<B: Backend = ShardHandle<KvState>> {
    door: Arc<Door<B>>,
}

impl<B: Backend> fmt::Debug for EtcdServer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdServer")
            .field("node", self.door.backend.node())
            .finish_non_exhaustive()
    }
}

impl<B: Backend> EtcdServer<B> {
    pub fn new(handle: B, options: EtcdOptions) -> Self {
        EtcdServer {
            door: Arc::new(Door::new(handle, options, CancellationToken::new())),
        }
    }

    /// All services, for a server that someone else runs. Its end does not
    /// end the watches: drop the connections.
    pub fn into_router(self) -> Routes {
        routes(&self.door)
    }

    /// Serves until `shutdown`. Then calls that wait for a primary are
    /// refused, watches end with a status that lets clients go elsewhere, and
    /// what is being answered is answered. Dropped, it closes all at once.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), transport::Error> {
        let incoming = TcpIncoming::from(listener)
            .with_nodelay(Some(true))
            .with_keepalive(Some(KEEPALIVE_INTERVAL));
        let door = self.door;
        let closing = door.closing.clone();
        let stop = async move {
            shutdown.await;
            closing.cancel();
        };
        Server::builder()
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_concurrent_streams(door.options.streams_per_connection_max)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .layer(MapResponseLayer::new(name_oversized))
            .add_routes(routes(&door))
            .serve_with_incoming_shutdown(incoming, stop)
            .await
    }
}

fn routes<B: Backend>(door: &Arc<Door<B>>) -> Routes {
    let limit = door.options.message_bytes_max;
    let door = || Arc::clone(door);
    Routes::new(KvServer::new(KvService(door())).max_decoding_message_size(limit))
        .add_service(WatchServer::new(WatchService(door())).max_decoding_message_size(limit))
        .add_service(LeaseServer::new(LeaseService).max_decoding_message_size(limit))
        .add_service(ClusterServer::new(ClusterService(door())).max_decoding_message_size(limit))
        .add_service(
            MaintenanceServer::new(MaintenanceService(door())).max_decoding_message_size(limit),
        )
        .prepare()
}

/// tonic says OUT_OF_RANGE of a message over the limit; etcd's clients know
/// RESOURCE_EXHAUSTED. All that is OUT_OF_RANGE by our table has etcd's prefix.
fn name_oversized(mut response: Response<Body>) -> Response<Body> {
    if is_oversized(response.headers()) {
        let code = HeaderValue::from(Code::ResourceExhausted as i32);
        response
            .headers_mut()
            .insert(tonic::Status::GRPC_STATUS, code);
    }
    response
}

fn is_oversized(headers: &HeaderMap) -> bool {
    let out_of_range = |code: &HeaderValue| code.as_bytes() == b"11";
    let is_ours = |message: &HeaderValue| message.as_bytes().starts_with(b"etcdserver:");
    headers
        .get(tonic::Status::GRPC_STATUS)
        .is_some_and(out_of_range)
        && !headers
            .get(tonic::Status::GRPC_MESSAGE)
            .is_some_and(is_ours)
}
