use crate::shape::{Shape, shaped};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// As many printable bytes in a row are a written value: no frame's header
/// and no message's frame looks like that.
const TEXT_RUN: usize = 1024;

/// What the link does with what goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Whole,
    /// Connections are closed, and new ones too.
    Cut,
    /// Nothing arrives, and nobody is told. What was sent arrives later.
    Stalled,
    /// One bit within the next large text value towards the client is turned;
    /// then the wire is whole again.
    FlipsOneBit,
}

/// A TCP proxy in front of one node. Ends with its drop.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    wire: watch::Sender<Wire>,
    task: JoinHandle<()>,
}

impl Link {
    /// Each direction of each connection has this shape.
    pub async fn shaped(address: SocketAddr, target: SocketAddr, shape: Shape) -> Link {
        let listener = TcpListener::bind(address).await.expect("the link's port");
        let wire = watch::Sender::new(Wire::Whole);
        let task = tokio::spawn(accept(listener, target, shape, wire.clone()));
        Link {
            address,
            wire,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    pub fn wire(&self) -> Wire {
        *self.wire.borrow()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    shape: Shape,
    wire: watch::Sender<Wire>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target, shape, wire.clone()));
    }
}

async fn carry(client: TcpStream, target: SocketAddr, shape: Shape, wire: watch::Sender<Wire>) {
    let mut state = wire.subscribe();
    let pass = async {
        let server = TcpStream::connect(target).await.ok()?;
        // The shape alone delays.
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            _ = shaped(from_client, to_server, shape, &wire, |_| {}) => {}
            _ = shaped(from_server, to_client, shape, &wire, |piece| flip(&wire, piece)) => {}
        }
        Some(())
    };
    tokio::select! {
        _ = state.wait_for(|wire| *wire == Wire::Cut) => {}
        _ = pass => {}
    }
}

fn flip(wire: &watch::Sender<Wire>, piece: &mut [u8]) {
    wire.send_if_modified(|wire| {
        let flips = *wire == Wire::FlipsOneBit && flip_in_value(piece);
        if flips {
            *wire = Wire::Whole;
        }
        flips
    });
}

/// Turns one bit in the middle of a text value, if a whole run of one is here.
/// A bit of a frame's header would be noticed by HTTP/2, before the chain is
/// asked.
fn flip_in_value(piece: &mut [u8]) -> bool {
    let run = piece
        .windows(TEXT_RUN)
        .position(|run| run.iter().all(u8::is_ascii_graphic));
    if let Some(start) = run {
        piece[start + TEXT_RUN / 2] ^= 1;
    }
    run.is_some()
}
