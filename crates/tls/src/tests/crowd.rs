//! Those that say nothing, in a crowd: nobody else waits for them.

use super::{END, Served, Site, alpha, serve, valid};
use crate::gate::Patience;
use crate::room::MEMBERS_OF_ADDRESS_MAX;
use crate::{Clients, Dialer, Gate, Peer, Role};
use futures::StreamExt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const NEVER: Duration = Duration::from_secs(END as u64);
const CROWD: usize = 200;

fn members(site: &Site, patience: Patience) -> Gate {
    let members = Some(site.node("alpha", valid()));
    let mut gate = Gate::for_members("replication", members);
    gate.patience = patience;
    gate
}

/// From another address than everybody else here.
async fn connect_from_elsewhere(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Whether it ends without a word.
async fn is_closed(connection: &mut TcpStream) -> bool {
    // Closed or reset.
    connection
        .read(&mut [0])
        .await
        .map_or(true, |read| read == 0)
}

#[tokio::test]
async fn silent_crowd_of_one_address_is_bounded_and_delays_nobody_else() {
    let site = Site::new("prod");
    let patient = Patience {
        first_byte: NEVER,
        introduction: NEVER,
    };
    let Served {
        endpoint,
        address,
        mut peers,
        refused,
    } = serve(members(&site, patient)).await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(connect_from_elsewhere(address).await);
    }
    let dialer = Dialer::with(site.operator("ann"));
    let _channel = dialer.connect(&endpoint, alpha()).await.unwrap();
    let ann = Peer::Member(Role::Operator("ann".to_owned()));
    assert_eq!(peers.recv().await, Some(ann));
    for beyond in &mut crowd[MEMBERS_OF_ADDRESS_MAX..] {
        assert!(is_closed(beyond).await);
    }
    let closed = CROWD - MEMBERS_OF_ADDRESS_MAX;
    assert_eq!(refused.load(Ordering::Relaxed), closed as u64);
}

#[tokio::test]
async fn first_byte_has_less_time_than_the_whole() {
    let usual = Patience::default();
    assert_eq!(usual.first_byte, Duration::from_secs(1));
    assert_eq!(usual.introduction, Duration::from_secs(5));
    let site = Site::new("prod");
    let patience = Patience {
        first_byte: Duration::from_millis(50),
        introduction: NEVER,
    };
    let served = serve(members(&site, patience)).await;
    let mut begun = TcpStream::connect(served.address).await.unwrap();
    begun.write_all(&[0x16]).await.unwrap();
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    assert!(is_closed(&mut silent).await);
    assert_eq!(served.refused.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn connections_that_cannot_be_accepted_are_not_asked_for_without_a_pause() {
    let asked = std::sync::Arc::<AtomicU64>::default();
    let counter = asked.clone();
    let out_of_files = futures::stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::other("too many open files"))
    });
    let gate = Gate::for_clients("clients", None, Clients::Plaintext);
    let mut admitted = Box::pin(gate.admitted(out_of_files));
    let some_pauses = Duration::from_millis(250);
    let nobody = tokio::time::timeout(some_pauses, admitted.next()).await;
    assert!(nobody.is_err(), "it is no end, and nobody came in");
    let asked = asked.load(Ordering::Relaxed);
    assert!((1..=3).contains(&asked), "asked {asked} times");
}
