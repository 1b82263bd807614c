//! The gRPC server for other nodes and for tools: replication, admin, log.

use super::access::Access;
use super::admin::AdminService;
use super::log::LogService;
use super::pack::Sent;
use super::peers::Peers;
use super::replication::ReplicationService;
use super::sender::Way;
use crate::audit::{Audit, AuditWriter};
use crate::driver::DriverHandle;
use crate::follow::MESSAGE_BYTES_MAX;
use crate::handle::ShardHandle;
use crate::maintenance::Maintenance;
use crate::node::Observer;
use crate::settings::StreamSettings;
use crate::shard::ShardCore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use understudy_state::StateMachine;
use understudy_tls::Gate;
use understudy_types::{Clock, NodeId, ShardName};
use understudy_wire::v1::{
    admin_server::AdminServer, log_server::LogServer, replication_server::ReplicationServer,
};

/// A hello with as many epochs as a log can have, and nothing near that
/// otherwise.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// The headers of a call.
const HEADERS_BYTES_MAX: u32 = 16 << 10;

/// What the services stand on.
pub(crate) struct Services<S: StateMachine> {
    pub(crate) node: NodeId,
    pub(crate) shards: BTreeMap<ShardName, Arc<ShardCore>>,
    pub(crate) handles: BTreeMap<ShardName, ShardHandle<S>>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) driver: DriverHandle,
    pub(crate) observer: Observer,
    pub(crate) audit: Audit,
    pub(crate) audit_writer: Arc<AuditWriter>,
    pub(crate) maintenance: Maintenance,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stream: StreamSettings,
    pub(crate) command_bytes_max: usize,
    pub(crate) gate: Gate,
    pub(crate) sent: Arc<Sent>,
}

/// Serves until `stop`.
pub(crate) async fn serve<S: StateMachine>(
    services: Services<S>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let Services {
        node,
        shards,
        handles,
        peers,
        driver,
        observer,
        audit,
        audit_writer,
        maintenance,
        clock,
        stream,
        gate,
        sent,
        ..
    } = services;
    let cluster = observer.cluster();
    let replication = ReplicationService {
        cluster,
        node,
        shards: shards.clone(),
        peers,
        driver: driver.clone(),
        clock: clock.clone(),
        connections: AtomicU64::new(0),
        way: Way::new(&stream, sent),
        observer: observer.clone(),
    };
    let admin = AdminService {
        observer,
        driver,
        shards: shards.clone(),
        audit,
        audit_writer,
        maintenance,
        clock,
    };
    let log = LogService { shards, handles };
    let incoming = gate.admitted(TcpListenerStream::new(listener));
    Server::builder()
        .layer(Access)
        .initial_stream_window_size(stream.window_of_stream())
        .initial_connection_window_size(stream.window_of_connection())
        .http2_max_header_list_size(HEADERS_BYTES_MAX)
        .http2_keepalive_interval(Some(Duration::from_millis(500)))
        .http2_keepalive_timeout(Some(Duration::from_secs(1)))
        .add_service(
            ReplicationServer::new(replication)
                .max_encoding_message_size(MESSAGE_BYTES_MAX)
                .max_decoding_message_size(REQUEST_BYTES_MAX),
        )
        .add_service(
            LogServer::new(log)
                .max_decoding_message_size(services.command_bytes_max + 4096)
                .max_encoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(AdminServer::new(admin).max_decoding_message_size(1 << 16))
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await
}
