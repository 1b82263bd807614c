//! The gRPC server of one shard.

use crate::{
    backend::Backend,
    cluster::ClusterService,
    door::Door,
    kv::KvService,
    lease::LeaseService,
    maintenance::MaintenanceService,
    options::EtcdOptions,
    threads::{ClientThread, Ending, ServeError},
    watch::WatchService,
};
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Response};
use std::{fmt, future::Future, io, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tonic::{
    Code,
    body::Body,
    service::Routes,
    transport::{self, Server, server::TcpIncoming},
};
use tower::util::MapResponseLayer;
use understudy_kv::KvState;
use understudy_node::handle::ShardHandle;
use understudy_tls::{Gate, PeerStream};
use understudy_wire::etcd::etcdserverpb::{
    cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
    maintenance_server::MaintenanceServer, watch_server::WatchServer,
};

const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The etcd API of one shard, to be served on one address.
pub struct EtcdServer<B: Backend = ShardHandle<KvState>> {
    handle: B,
    options: EtcdOptions,
}

impl<B: Backend> fmt::Debug for EtcdServer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdServer")
            .field("node", self.handle.node())
            .finish_non_exhaustive()
    }
}

impl<B: Backend> EtcdServer<B> {
    pub fn new(handle: B, options: EtcdOptions) -> Self {
        EtcdServer { handle, options }
    }

    /// Serves until `shutdown`, on threads of its own. Then calls that wait
    /// for a primary are refused, watches end with a status that lets clients
    /// go elsewhere, and what is being answered is answered. Dropped, it
    /// closes all at once.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let EtcdServer { handle, options } = self;
        let ending = Ending::default();
        let _closes_all = ending.at_once.clone().drop_guard();
        let gate = options.gate.clone();
        let mut threads = Vec::new();
        for number in 0..options.threads.get() {
            let (options, ending) = (options.clone(), ending.clone());
            threads.push(ClientThread::start(
                number,
                handle.clone(),
                options,
                ending,
            )?);
        }
        let accepted = tokio::select! {
            accepted = accept(listener, &gate, &threads) => accepted,
            () = shutdown => Ok(()),
        };
        ending.closing.cancel();
        for thread in threads {
            thread.ended().await?;
        }
        accepted
    }
}

/// Gives each connection to the next thread in turn.
async fn accept(
    listener: TcpListener,
    gate: &Gate,
    threads: &[ClientThread],
) -> Result<(), ServeError> {
    let mut incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEPALIVE_INTERVAL));
    for thread in threads.iter().cycle() {
        match incoming.next().await {
            Some(Ok(connection)) => thread.take(connection).await?,
            // One connection's failure: it went before it was accepted, or
            // there is no file for it now.
            Some(Err(error)) => gate.could_not_accept(&error).await,
            None => break,
        }
    }
    Ok(())
}

/// Serves connections on the current runtime until the door closes.
pub(crate) async fn serve_connections<B: Backend>(
    door: Arc<Door<B>>,
    incoming: impl Stream<Item = io::Result<PeerStream>>,
) -> Result<(), transport::Error> {
    Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_concurrent_streams(door.options.streams_per_connection_max)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(MapResponseLayer::new(name_oversized))
        .add_routes(routes(&door))
        .serve_with_incoming_shutdown(incoming, door.closing.clone().cancelled_owned())
        .await
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
