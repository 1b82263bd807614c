//! The way to the primary's client port: one connection, made when it is
//! needed, shared by all calls, dropped when it fails.

use futures::{FutureExt, future::BoxFuture, future::Shared};
use parking_lot::Mutex;
use std::{error::Error, fmt, sync::Arc, time::Duration};
use tonic::{
    Request, Status,
    metadata::{MetadataMap, MetadataValue},
    transport::{Channel, Endpoint},
};
use understudy_node::handle::PrimaryView;
use understudy_tls::{Dialer, Expected};
use understudy_wire::etcd::etcdserverpb::kv_client::KvClient;

/// Request metadata: a standby sent this on. Whoever gets it answers it or
/// refuses it, and sends it nowhere.
const RELAYED: &str = "understudy-relayed";

/// Two round trips, with TLS, over half the world.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A primary that is silent for the sum of both is given up.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_millis(750);
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

type Connecting = Shared<BoxFuture<'static, Result<Channel, Arc<tonic::transport::Error>>>>;

/// The connection to the primary. Calls that wait for it wait for the same
/// attempt, so a silent address costs all of them one timeout, not one each.
pub(crate) struct Relay {
    dialer: Dialer,
    link: Mutex<Option<Link>>,
}

/// One attempt to connect, and the connection that came of it.
#[derive(Clone)]
struct Link {
    primary: PrimaryView,
    connecting: Connecting,
}

/// A client of the primary, and which connection it stands on.
pub(crate) struct Line {
    pub(crate) client: KvClient<Channel>,
    link: Link,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = self.link.lock();
        f.debug_struct("Relay")
            .field("primary", &link.as_ref().map(|link| &link.primary))
            .finish()
    }
}

impl Relay {
    pub(crate) fn new(dialer: Dialer) -> Relay {
        Relay {
            dialer,
            link: Mutex::default(),
        }
    }

    /// Connects to the primary, or gives the connection that there is.
    /// Cancellable; an error means that nothing was sent.
    pub(crate) async fn line(
        &self,
        primary: &PrimaryView,
    ) -> Result<Line, Arc<tonic::transport::Error>> {
        let link = self.link(primary);
        match link.connecting.clone().await {
            Ok(channel) => {
                let client = KvClient::new(channel)
                    .max_decoding_message_size(usize::MAX)
                    .max_encoding_message_size(usize::MAX);
                Ok(Line { client, link })
            }
            Err(error) => {
                self.forget(&link);
                Err(error)
            }
        }
    }

    /// Gives a connection up after a failure, so that the next call makes a
    /// new one. Calls that still run on it end by themselves.
    pub(crate) fn give_up(&self, line: &Line) {
        self.forget(&line.link);
    }

    fn link(&self, primary: &PrimaryView) -> Link {
        let mut current = self.link.lock();
        if let Some(link) = current.as_ref().filter(|link| link.primary == *primary) {
            return link.clone();
        }
        let link = Link {
            primary: primary.clone(),
            connecting: connect(self.dialer.clone(), primary.clone()),
        };
        *current = Some(link.clone());
        link
    }

    fn forget(&self, failed: &Link) {
        let mut current = self.link.lock();
        if current
            .as_ref()
            .is_some_and(|link| link.connecting.ptr_eq(&failed.connecting))
        {
            *current = None;
        }
    }
}

fn connect(dialer: Dialer, primary: PrimaryView) -> Connecting {
    async move {
        let PrimaryView {
            node,
            client_address,
        } = primary;
        let endpoint = Endpoint::from_shared(format!("http://{client_address}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        dialer.connect(&endpoint, Expected::Node(node)).await
    }
    .map(|result| result.map_err(Arc::new))
    .boxed()
    .shared()
}

pub(crate) fn relayed_request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert(RELAYED, MetadataValue::from_static("1"));
    request
}

pub(crate) fn is_relayed(metadata: &MetadataMap) -> bool {
    metadata.contains_key(RELAYED)
}

/// Whether the status was made on this side, because the connection failed.
pub(crate) fn is_connection_failure(status: &Status) -> bool {
    status.source().is_some()
}

/// Whether the call failed because no connection could be made for it.
pub(crate) fn never_connected(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}
