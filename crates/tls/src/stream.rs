//! A connection that was let in, or made.

use crate::{Identity, Role};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;
use tonic::transport::server::Connected;
use understudy_types::NodeId;

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Plain text is spoken here: it may be anybody.
    Anybody,
    /// It proved that it is this one of this cluster.
    Member(Role),
    /// Its certificate is of the right authority, and names nobody here.
    Stranger(String),
    /// A client of the data, with or without a certificate of its own.
    Client,
}

impl Peer {
    /// Whom a certificate that was verified names.
    pub(crate) fn named(identity: Option<Identity>, cluster: &str) -> Peer {
        match identity {
            Some(Identity { cluster: of, role }) if of == cluster => Peer::Member(role),
            Some(identity) => Peer::Stranger(format!(
                "its certificate is {identity}, of another cluster than {cluster}"
            )),
            None => Peer::Stranger("its certificate names nobody of a cluster".to_owned()),
        }
    }

    /// Whether it may speak as that node.
    pub fn is_node(&self, node: &NodeId) -> bool {
        match self {
            Peer::Anybody => true,
            Peer::Member(Role::Node(name)) => name == node,
            Peer::Member(_) | Peer::Stranger(_) | Peer::Client => false,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Peer::Anybody => f.write_str("anybody"),
            Peer::Member(role) => role.fmt(f),
            Peer::Stranger(why) => write!(f, "a stranger: {why}"),
            Peer::Client => f.write_str("a client"),
        }
    }
}

/// In each request's extensions.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    pub peer: Peer,
    pub remote: Option<SocketAddr>,
}

#[derive(Debug)]
pub struct PeerStream {
    io: Io,
    info: PeerInfo,
}

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl PeerStream {
    pub(crate) fn plain(io: TcpStream, peer: Peer) -> PeerStream {
        let remote = io.peer_addr().ok();
        PeerStream {
            io: Io::Plain(io),
            info: PeerInfo { peer, remote },
        }
    }

    pub(crate) fn tls(io: impl Into<TlsStream<TcpStream>>, peer: Peer) -> PeerStream {
        let io = io.into();
        let remote = io.get_ref().0.peer_addr().ok();
        PeerStream {
            io: Io::Tls(Box::new(io)),
            info: PeerInfo { peer, remote },
        }
    }

    pub fn peer(&self) -> &Peer {
        &self.info.peer
    }
}

impl Connected for PeerStream {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        self.info.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(cx, slices),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
