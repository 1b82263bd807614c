//! Ways to stop a part of a node that still counts as alive.

use parking_lot::{Condvar, Mutex};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use understudy_node::BootClock;
use understudy_types::{BootTime, Clock};

/// A node's clock. A thread that is frozen finds that out when it asks for
/// the time, which each of them does all the time.
#[derive(Debug, Default)]
pub struct Freezer {
    frozen: Mutex<Option<&'static str>>,
    thawed: Condvar,
}

impl Freezer {
    /// Stops the threads whose names begin like this.
    pub fn freeze(&self, threads: &'static str) {
        *self.frozen.lock() = Some(threads);
    }

    pub fn thaw(&self) {
        *self.frozen.lock() = None;
        self.thawed.notify_all();
    }

    fn wait(&self) {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        let is_frozen = |frozen: &mut Option<&'static str>| {
            frozen.is_some_and(|frozen| name.starts_with(frozen))
        };
        let mut frozen = self.frozen.lock();
        self.thawed.wait_while(&mut frozen, is_frozen);
    }
}

impl Clock for Freezer {
    fn now(&self) -> BootTime {
        self.wait();
        BootClock.now()
    }

    fn wall_millis(&self) -> u64 {
        BootClock.wall_millis()
    }
}

/// Passes on what two nodes say to each other; what the listening one says
/// can be held up, as if its sender hung.
#[derive(Debug)]
pub struct Relay {
    held: watch::Sender<bool>,
}

impl Default for Relay {
    fn default() -> Relay {
        Relay {
            held: watch::Sender::new(false),
        }
    }
}

impl Relay {
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Where what is listened to at `target` is to be reached.
    pub async fn open(&self, target: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let held = self.held.subscribe();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(pass(caller, target, held.clone()));
            }
        });
        address
    }
}

async fn pass(caller: TcpStream, target: SocketAddr, mut held: watch::Receiver<bool>) {
    let Ok(node) = TcpStream::connect(target).await else {
        return;
    };
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_node, mut to_node) = node.into_split();
    let asked = tokio::spawn(async move {
        let _ = copy(&mut from_caller, &mut to_node).await;
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from_node.read(&mut buffer).await {
        // Fails when the test has ended.
        if held.wait_for(|held| !held).await.is_err()
            || to_caller.write_all(&buffer[..length]).await.is_err()
        {
            break;
        }
    }
    asked.abort();
}
