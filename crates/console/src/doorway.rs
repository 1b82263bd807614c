//! The console's port, open to so many connections at once: whoever opens
//! more waits, and takes no file of the process meanwhile.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pages, probes and scrapes of a large site; far fewer than the files that a
/// process may have open.
const CONNECTIONS_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct Doorway {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Doorway {
    pub(crate) fn new(listener: TcpListener) -> Doorway {
        Doorway::with_places(listener, CONNECTIONS_MAX)
    }

    fn with_places(listener: TcpListener, places: usize) -> Doorway {
        Doorway {
            listener,
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

impl Listener for Doorway {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let guest = Guest {
            stream,
            _place: place,
        };
        (guest, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Doorway>> for Origin {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Origin {
        Origin(*stream.remote_addr())
    }
}

/// A connection, and its place until it ends.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::Doorway;
    use axum::serve::Listener;
    use futures::FutureExt;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn one_more_waits_until_a_place_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut doorway = Doorway::with_places(listener, 1);
        let _first = TcpStream::connect(address).await.unwrap();
        let (guest, _) = doorway.accept().await;
        let _second = TcpStream::connect(address).await.unwrap();
        assert!(doorway.accept().now_or_never().is_none());
        drop(guest);
        doorway.accept().await;
    }
}
