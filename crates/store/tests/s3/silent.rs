use crate::fixture::config;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;
use understudy_store::{Condition, FaultKind, ObjectStore, S3Config, S3Store, StoreError};

async fn attempt_at(address: SocketAddr) -> (StoreError, Duration) {
    let config = S3Config {
        attempt_timeout: Duration::from_millis(600),
        ..config(address)
    };
    let store = S3Store::connect(config)
        .await
        .expect("a valid configuration");
    let begun = Instant::now();
    let put = store
        .put("key", Bytes::from_static(b"body"), Condition::Absent)
        .await;
    (put.expect_err("nobody answers"), begun.elapsed())
}

#[tokio::test]
async fn a_server_that_never_answers_may_have_done_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let (error, took) = attempt_at(address).await;
    accepting.abort();
    assert!(error.may_have_happened(), "{error}");
    assert_eq!(error.kind(), FaultKind::TimedOut, "{error}");
    assert!(took >= Duration::from_millis(600), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_refused_connection_did_not_happen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let (error, _) = attempt_at(address).await;
    assert!(!error.may_have_happened(), "{error}");
    assert_eq!(error.kind(), FaultKind::Unreachable, "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the endpoint cannot be reached (s3://understudy/pairs/one at http://{address}: \
             Connection refused (os error 111)): check that it runs, its host and port, DNS, \
             routes and firewalls"
        )
    );
}

#[tokio::test]
async fn a_host_without_an_address_did_not_happen() {
    let config = S3Config {
        endpoint: Some("http://understudy.invalid:9000".into()),
        // Names may take their time to fail; both limits end in the same way.
        connect_timeout: Duration::from_secs(5),
        attempt_timeout: Duration::from_secs(10),
        ..config(SocketAddr::from(([127, 0, 0, 1], 1)))
    };
    let store = S3Store::connect(config)
        .await
        .expect("a valid configuration");
    let error = store.get("key", None).await.expect_err("no such host");
    assert!(!error.may_have_happened(), "{error}");
    assert_eq!(error.kind(), FaultKind::Unreachable, "{error}");
}
