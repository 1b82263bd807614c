//! Servers and clients for the tests.

use crate::fake_node::{FakeNode, Grip};
use bytes::Bytes;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, transport::Channel};
use understudy_etcd::{EtcdOptions, EtcdServer, ServeError};
use understudy_wire::etcd::etcdserverpb::{
    self as pb, WatchCreateRequest, WatchRequest, WatchResponse, kv_client::KvClient,
    watch_client::WatchClient, watch_request::RequestUnion,
};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

pub(crate) struct TestServer {
    pub(crate) node: Arc<FakeNode>,
    pub(crate) address: String,
    pub(crate) channel: Channel,
    stop: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
}

impl TestServer {
    pub(crate) async fn start(node: Arc<FakeNode>, options: EtcdOptions) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let stop = CancellationToken::new();
        let server = EtcdServer::new(Grip(Arc::clone(&node)), options);
        let served = tokio::spawn(server.serve(listener, stop.clone().cancelled_owned()));
        let channel = Channel::from_shared(format!("http://{address}"))
            .expect("an address")
            .connect()
            .await
            .expect("the server listens");
        TestServer {
            node,
            address,
            channel,
            stop,
            served,
        }
    }

    /// A server whose node is the primary.
    pub(crate) async fn primary() -> TestServer {
        let server = TestServer::start(FakeNode::new("one"), EtcdOptions::default()).await;
        server
            .node
            .set_view(1, Some((&server.node, &server.address)));
        server
    }

    pub(crate) fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel.clone())
    }

    pub(crate) async fn watch(&self) -> TestWatch {
        let (requests, outgoing) = mpsc::channel(16);
        let mut client = WatchClient::new(self.channel.clone());
        let responses = soon(client.watch(ReceiverStream::new(outgoing)))
            .await
            .expect("a stream")
            .into_inner();
        TestWatch {
            requests,
            responses,
        }
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        soon(self.served).await.expect("no panic").expect("served");
    }

    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }
}

/// Two servers: `one` is the primary of epoch 1, `two` its standby.
pub(crate) struct Pair {
    pub(crate) one: TestServer,
    pub(crate) two: TestServer,
}

impl Pair {
    pub(crate) async fn start(options: EtcdOptions) -> Pair {
        let one = TestServer::start(FakeNode::new("one"), options.clone()).await;
        let two = TestServer::start(FakeNode::new("two"), options).await;
        let pair = Pair { one, two };
        pair.one
            .node
            .set_followers(vec![Arc::clone(&pair.two.node)]);
        pair.view(1, Some(&pair.one));
        pair
    }

    /// Both nodes see the same primary.
    pub(crate) fn view(&self, epoch: u64, primary: Option<&TestServer>) {
        let primary = primary.map(|server| (&*server.node, server.address.as_str()));
        self.one.node.set_view(epoch, primary);
        self.two.node.set_view(epoch, primary);
    }

    /// `two` becomes primary and `one` follows it.
    pub(crate) fn switch(&self) {
        self.one.node.set_followers(Vec::new());
        self.two
            .node
            .set_followers(vec![Arc::clone(&self.one.node)]);
        self.view(2, Some(&self.two));
    }
}

pub(crate) struct TestWatch {
    pub(crate) requests: mpsc::Sender<WatchRequest>,
    pub(crate) responses: Streaming<WatchResponse>,
}

impl TestWatch {
    pub(crate) async fn send(&self, request: RequestUnion) {
        let request = WatchRequest {
            request_union: Some(request),
        };
        self.requests
            .send(request)
            .await
            .expect("the stream is open");
    }

    /// Creates a watch and takes the answer to it.
    pub(crate) async fn create(&mut self, request: WatchCreateRequest) -> WatchResponse {
        self.send(RequestUnion::CreateRequest(request)).await;
        self.next().await
    }

    pub(crate) async fn next(&mut self) -> WatchResponse {
        self.next_or_end()
            .await
            .expect("no error")
            .expect("not the end")
    }

    pub(crate) async fn next_or_end(&mut self) -> Result<Option<WatchResponse>, Status> {
        soon(self.responses.message()).await
    }
}

pub(crate) fn put(key: &str, value: &str) -> pb::PutRequest {
    pb::PutRequest {
        key: bytes(key),
        value: bytes(value),
        ..pb::PutRequest::default()
    }
}

pub(crate) fn get(key: &str) -> pb::RangeRequest {
    pb::RangeRequest {
        key: bytes(key),
        ..pb::RangeRequest::default()
    }
}

pub(crate) fn get_serializable(key: &str) -> pb::RangeRequest {
    pb::RangeRequest {
        serializable: true,
        ..get(key)
    }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Values of all keys in a range response.
pub(crate) fn values(response: &pb::RangeResponse) -> Vec<&str> {
    response
        .kvs
        .iter()
        .map(|kv| std::str::from_utf8(&kv.value).expect("text"))
        .collect()
}

/// Everything from the lowest key on, from a revision on.
pub(crate) fn watch_all(start_revision: i64) -> WatchCreateRequest {
    WatchCreateRequest {
        range_end: Bytes::from_static(&[0]),
        start_revision,
        ..WatchCreateRequest::default()
    }
}
