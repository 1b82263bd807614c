use crate::auth::OneKey;
use crate::backend::Backend;
use crate::shelf::Shelf;
use crate::{DevStoreConfig, DevStoreError};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long requests under way may take to end after the shutdown.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);
/// After a failed accept (too many open files, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A development store that holds its directory and its port.
pub struct DevStore {
    listener: TcpListener,
    local_addr: SocketAddr,
    service: S3Service,
}

impl std::fmt::Debug for DevStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevStore")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

impl DevStore {
    /// Takes the port, then the directory, and reads the journal. From here
    /// on connections queue up; [`DevStore::serve`] answers them. Blocks for
    /// the time of reading the journal.
    pub async fn bind(config: DevStoreConfig) -> Result<DevStore, DevStoreError> {
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| match source.kind() {
                ErrorKind::AddrInUse => DevStoreError::AddressInUse { address },
                _ => DevStoreError::Listen { address, source },
            })?;
        let local_addr = listener
            .local_addr()
            .map_err(|source| DevStoreError::Listen { address, source })?;
        let shelf = Shelf::open(&config.dir, config.missing_bucket)?;
        let mut builder = S3ServiceBuilder::new(Backend::new(Arc::new(shelf), config.mode));
        builder.set_auth(OneKey::new(config.access_key, config.secret_key));
        Ok(DevStore {
            listener,
            local_addr,
            service: builder.build(),
        })
    }

    /// The address that it listens on, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers requests until `shutdown` is done, then lets those under way
    /// end, for two seconds at most. Dropping the future closes every
    /// connection; a put that was under way then may have happened. The
    /// directory is free when it has ended.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let DevStore {
            listener, service, ..
        } = self;
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        spawn_connection(&mut connections, &graceful, stream, service.clone());
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the development store could not accept");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
        drop(listener);
        if tokio::time::timeout(SHUTDOWN_PATIENCE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::info!("closed connections that did not end in time");
        }
    }
}

fn spawn_connection(
    connections: &mut JoinSet<()>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    service: S3Service,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
}
