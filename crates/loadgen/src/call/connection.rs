use super::CallFailure;
use crate::Endpoint;
use bytes::{Bytes, BytesMut};
use futures::future::poll_fn;
use http::{HeaderMap, Request, Uri, header};
use std::time::Duration;
use tokio::net::TcpStream;
use tonic::Code;

/// Large enough that no answer waits for a window update.
const WINDOW_BYTES: u32 = 4 << 20;

/// The unary methods that are called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Put,
    Range,
    DeleteRange,
    Txn,
}

/// One side of an HTTP/2 connection: a clone per caller. Its driver must be
/// polled for anything to happen.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    send: h2::client::SendRequest<Bytes>,
    put: Request<()>,
    range: Request<()>,
    delete_range: Request<()>,
    txn: Request<()>,
}

pub(crate) type Driver = h2::client::Connection<TcpStream, Bytes>;

impl Connection {
    /// Opens a connection. No request was sent when it fails.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        within: Duration,
    ) -> Result<(Connection, Driver), CallFailure> {
        match tokio::time::timeout(within, Self::handshake(endpoint)).await {
            Ok(opened) => opened.map_err(CallFailure::NotSent),
            Err(_) => Err(CallFailure::NotSent("connect timed out".to_owned())),
        }
    }

    async fn handshake(endpoint: &Endpoint) -> Result<(Connection, Driver), String> {
        let stream = TcpStream::connect(endpoint.authority())
            .await
            .map_err(|error| error.to_string())?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        let (send, driver) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|error| error.to_string())?;
        let connection = Connection {
            send,
            put: prototype(endpoint, "/etcdserverpb.KV/Put")?,
            range: prototype(endpoint, "/etcdserverpb.KV/Range")?,
            delete_range: prototype(endpoint, "/etcdserverpb.KV/DeleteRange")?,
            txn: prototype(endpoint, "/etcdserverpb.KV/Txn")?,
        };
        Ok((connection, driver))
    }

    /// Calls with an encoded frame and gives the answer's body. May have
    /// happened although it failed: see [`CallFailure::fate`]. When it is
    /// cancelled the stream is reset, and the call may have happened too.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        frame: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallFailure> {
        tokio::time::timeout(within, self.exchange(method, frame))
            .await
            .unwrap_or(Err(CallFailure::TimedOut))
    }

    async fn exchange(&mut self, method: Method, frame: Bytes) -> Result<Bytes, CallFailure> {
        let not_sent = |error: h2::Error| CallFailure::NotSent(error.to_string());
        poll_fn(|context| self.send.poll_ready(context))
            .await
            .map_err(not_sent)?;
        let prototype = match method {
            Method::Put => &self.put,
            Method::Range => &self.range,
            Method::DeleteRange => &self.delete_range,
            Method::Txn => &self.txn,
        };
        let (answer, mut body) = self
            .send
            .send_request(prototype.clone(), false)
            .map_err(not_sent)?;
        body.send_data(frame, true)
            .map_err(|error| CallFailure::from_h2(&error))?;
        let answer = answer.await.map_err(|error| CallFailure::from_h2(&error))?;
        if answer.status() != http::StatusCode::OK {
            return Err(CallFailure::Unanswered(format!("HTTP {}", answer.status())));
        }
        read_answer(answer).await
    }
}

async fn read_answer(answer: http::Response<h2::RecvStream>) -> Result<Bytes, CallFailure> {
    let (head, mut stream) = answer.into_parts();
    if let Some(status) = grpc_status(&head.headers) {
        return status.map(|()| Bytes::new());
    }
    let failed = |error: h2::Error| CallFailure::from_h2(&error);
    let mut body = Bytes::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.map_err(failed)?;
        stream
            .flow_control()
            .release_capacity(chunk.len())
            .map_err(failed)?;
        body = joined(body, chunk);
    }
    let trailers = stream.trailers().await.map_err(failed)?;
    match trailers.as_ref().and_then(grpc_status) {
        Some(status) => status.map(|()| body),
        None => Err(CallFailure::Unanswered("no gRPC status".to_owned())),
    }
}

/// Most answers come as one chunk, which is not copied.
fn joined(body: Bytes, chunk: Bytes) -> Bytes {
    if body.is_empty() {
        return chunk;
    }
    let mut whole = BytesMut::from(body);
    whole.extend_from_slice(&chunk);
    whole.freeze()
}

fn grpc_status(headers: &HeaderMap) -> Option<Result<(), CallFailure>> {
    let status = headers.get("grpc-status")?;
    if status.as_bytes() == b"0" {
        return Some(Ok(()));
    }
    let message = headers
        .get("grpc-message")
        .map(|message| String::from_utf8_lossy(message.as_bytes()).into_owned());
    Some(Err(CallFailure::Answered {
        code: Code::from_bytes(status.as_bytes()),
        message: message.unwrap_or_default(),
    }))
}

fn prototype(endpoint: &Endpoint, path: &str) -> Result<Request<()>, String> {
    let uri: Uri = format!("{}{path}", endpoint.url())
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    Request::post(uri)
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(())
        .map_err(|error| error.to_string())
}
