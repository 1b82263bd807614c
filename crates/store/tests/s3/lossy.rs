use crate::fixture::{connect, honest};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use understudy_store::{Condition, FaultKind, Fetched, ObjectStore, PutAnswer};

/// Carries bytes to a server and back, until it is told to lose an answer:
/// then it closes the connection in its place.
struct Proxy {
    address: SocketAddr,
    lose_next_answer: Arc<AtomicBool>,
}

impl Proxy {
    async fn to(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let lose_next_answer = Arc::new(AtomicBool::new(false));
        let lose = lose_next_answer.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, lose.clone()));
            }
        });
        Proxy {
            address,
            lose_next_answer,
        }
    }
}

async fn carry(client: TcpStream, server: SocketAddr, lose: Arc<AtomicBool>) {
    let server = TcpStream::connect(server)
        .await
        .expect("the server listens");
    let (from_client, to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async move {
        let mut from_client = from_client;
        tokio::io::copy(&mut from_client, &mut to_server)
            .await
            .map(drop)
    };
    let answers = carry_answers(&mut from_server, to_client, lose);
    tokio::select! {
        _ = requests => {}
        () = answers => {}
    }
}

async fn carry_answers(
    from_server: &mut OwnedReadHalf,
    mut to_client: OwnedWriteHalf,
    lose: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
        let lost = lose.swap(false, Ordering::SeqCst);
        if lost || to_client.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_indeterminate_and_is_settled_by_reading_back() {
    let server = honest().await;
    let proxy = Proxy::to(server.address).await;
    let store = connect(proxy.address).await;
    let body = Bytes::from_static(b"{\"nonce\": 1}");

    proxy.lose_next_answer.store(true, Ordering::SeqCst);
    let put = store
        .put("lease.json", body.clone(), Condition::Absent)
        .await;
    let error = put.expect_err("the answer was lost, and nobody tried again");
    assert!(error.may_have_happened(), "{error}");
    assert_eq!(error.kind(), FaultKind::ConnectionLost, "{error}");

    match store.get("lease.json", None).await {
        Ok(Fetched::Found(object)) => assert_eq!(object.body, body),
        other => panic!("{other:?}"),
    }
    let again = store.put("lease.json", body, Condition::Absent).await;
    assert_eq!(again, Ok(PutAnswer::Refused));
}
