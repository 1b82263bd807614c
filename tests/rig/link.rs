use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// As many printable bytes in a row are a written value: no frame's header
/// and no message's frame looks like that.
const TEXT_RUN: usize = 1024;
const PIECE: usize = 64 * 1024;

/// What the link does with what goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Whole,
    /// Connections are closed, and new ones too.
    Cut,
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
    pub async fn before(address: SocketAddr, target: SocketAddr) -> Link {
        let listener = TcpListener::bind(address).await.expect("the link's port");
        let wire = watch::Sender::new(Wire::Whole);
        let task = tokio::spawn(accept(listener, target, wire.clone()));
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

async fn accept(listener: TcpListener, target: SocketAddr, wire: watch::Sender<Wire>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target, wire.clone()));
    }
}

async fn carry(client: TcpStream, target: SocketAddr, wire: watch::Sender<Wire>) {
    let mut state = wire.subscribe();
    let pass = async {
        let server = TcpStream::connect(target).await.ok()?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            _ = copy_flipping(&mut from_server, &mut to_client, &wire) => {}
        }
        Some(())
    };
    tokio::select! {
        _ = state.wait_for(|wire| *wire == Wire::Cut) => {}
        _ = pass => {}
    }
}

async fn copy_flipping(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    wire: &watch::Sender<Wire>,
) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        wire.send_if_modified(|wire| {
            let flips = *wire == Wire::FlipsOneBit && flip_in_value(&mut piece[..length]);
            if flips {
                *wire = Wire::Whole;
            }
            flips
        });
        to.write_all(&piece[..length]).await?;
    }
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
