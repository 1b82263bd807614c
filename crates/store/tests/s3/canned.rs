use crate::fixture::connect;
use bytes::Bytes;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use understudy_store::{
    Condition, ETag, FaultKind, Fetched, Object, ObjectStore, PutAnswer, S3Store, StoreError,
};

/// A server that gives one answer to everything.
async fn always(status: &str, code: &str) -> S3Store {
    let body = match code {
        "" => String::new(),
        code => format!("<Error><Code>{code}</Code><Message>as told</Message></Error>"),
    };
    always_with(status, "", &body).await
}

/// As [`always`], with further header lines.
async fn always_with(status: &str, headers: &str, body: &str) -> S3Store {
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address: SocketAddr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_one(stream, answer.clone()));
        }
    });
    connect(address).await
}

async fn answer_one(mut stream: TcpStream, answer: String) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        match stream.read_buf(&mut request).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        let _closed = stream.shutdown().await;
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

async fn put(store: &S3Store, condition: Condition) -> Result<PutAnswer, StoreError> {
    store
        .put("key", Bytes::from_static(b"body"), condition)
        .await
}

fn matching() -> Condition {
    Condition::Matches(ETag::new("\"0123\""))
}

#[tokio::test]
async fn conflict_is_its_own_answer() {
    let store = always("409 Conflict", "ConditionalRequestConflict").await;
    assert_eq!(
        put(&store, Condition::Absent).await,
        Ok(PutAnswer::Conflict)
    );
    assert_eq!(put(&store, matching()).await, Ok(PutAnswer::Conflict));
}

#[tokio::test]
async fn a_failed_precondition_is_a_refusal() {
    let store = always("412 Precondition Failed", "PreconditionFailed").await;
    assert_eq!(put(&store, Condition::Absent).await, Ok(PutAnswer::Refused));
    assert_eq!(put(&store, matching()).await, Ok(PutAnswer::Refused));
}

#[tokio::test]
async fn an_absent_key_refuses_a_swap_and_never_a_create() {
    let store = always("404 Not Found", "NoSuchKey").await;
    assert_eq!(put(&store, matching()).await, Ok(PutAnswer::Refused));
    assert!(put(&store, Condition::Absent).await.is_err());
    assert_eq!(store.get("key", None).await, Ok(Fetched::Absent));
    assert_eq!(store.delete("key").await, Ok(()));
}

#[tokio::test]
async fn a_failing_store_is_asked_once_and_may_have_done_it() {
    for (status, code) in [
        ("500 Internal Server Error", "InternalError"),
        ("500 Internal Server Error", "UnknownError"),
        ("503 Slow Down", "SlowDown"),
        ("502 Bad Gateway", ""),
    ] {
        let store = always(status, code).await;
        let error = put(&store, Condition::Absent)
            .await
            .expect_err("no success");
        assert!(error.may_have_happened(), "{status}: {error}");
        assert_eq!(error.kind(), FaultKind::StoreFailed, "{status}: {error}");
    }
}

#[tokio::test]
async fn refusals_of_the_store_did_not_happen_and_say_what_to_do() {
    for (status, code, kind, cure) in [
        (
            "403 Forbidden",
            "RequestTimeTooSkewed",
            FaultKind::ClockSkew,
            "NTP",
        ),
        (
            "403 Forbidden",
            "AccessDenied",
            FaultKind::AccessDenied,
            "s3:PutObject",
        ),
        (
            "404 Not Found",
            "NoSuchBucket",
            FaultKind::NoSuchBucket,
            "create the bucket",
        ),
        (
            "400 Bad Request",
            "ExpiredToken",
            FaultKind::WrongCredentials,
            "renew the session",
        ),
        (
            "301 Moved Permanently",
            "PermanentRedirect",
            FaultKind::WrongRegion,
            "set the region",
        ),
        (
            "501 Not Implemented",
            "NotImplemented",
            FaultKind::NotSupported,
            "conditional writes",
        ),
    ] {
        let store = always(status, code).await;
        let error = put(&store, matching()).await.expect_err("no success");
        assert!(!error.may_have_happened(), "{code}: {error}");
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(error.to_string().contains(cure), "{code}: {error}");
    }
}

#[tokio::test]
async fn an_etag_without_quotes_is_the_quoted_one() {
    let store = always_with("200 OK", "ETag: 0123\r\n", "body").await;
    let etag = ETag::new("\"0123\"");
    assert_eq!(
        put(&store, Condition::Absent).await,
        Ok(PutAnswer::Applied(etag.clone()))
    );
    let body = Bytes::from_static(b"body");
    let found = Object { etag, body };
    assert_eq!(store.get("key", None).await, Ok(Fetched::Found(found)));
}

#[tokio::test]
async fn a_success_without_an_etag_is_not_taken_for_one() {
    let store = always("200 OK", "").await;
    let error = put(&store, Condition::Absent).await.expect_err("no ETag");
    assert!(error.may_have_happened(), "{error}");
    assert_eq!(error.kind(), FaultKind::UnreadableAnswer, "{error}");
}
