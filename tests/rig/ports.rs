use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that the kernel gives to outgoing connections: a port of a
/// node that is down is not taken by a client meanwhile.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Addresses on loopback that nobody listens on, each given once by this
/// process.
pub fn free_ports<const N: usize>() -> [SocketAddr; N] {
    // Tests that run at the same time begin at different places.
    let start = u16::try_from(std::process::id() % 600).unwrap_or(0) * 16;
    std::array::from_fn(|_| {
        let free = (0..COUNT).find_map(|_| {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let port = FIRST + start.wrapping_add(step) % COUNT;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            TcpListener::bind(address).ok().map(|_| address)
        });
        free.expect("a free port between 20000 and 29999")
    })
}
