use bytes::Bytes;
use futures::stream;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};
use understudy_loadgen::Endpoint;
use understudy_wire::etcd::etcdserverpb as pb;
use understudy_wire::etcd::etcdserverpb::kv_server::{Kv, KvServer};
use understudy_wire::etcd::etcdserverpb::watch_server::{Watch, WatchServer};
use understudy_wire::etcd::mvccpb::{Event, KeyValue};

/// How the server treats every seventh put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Honest,
    /// Acknowledges it and keeps nothing.
    Loses,
    /// Applies it twice.
    Doubles,
    /// Answers UNAVAILABLE, and applies every other one of them.
    Unsure,
    /// Sends its event twice and leaves the next one out.
    StuttersEvents,
}

/// The keys; several servers may share them.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    revision: i64,
    puts: u64,
    keys: BTreeMap<Bytes, KeyValue>,
}

#[derive(Clone)]
struct Service {
    contents: Arc<Mutex<Contents>>,
    events: broadcast::Sender<Event>,
    manner: Manner,
}

/// Stops serving when it is dropped, and cuts its connections.
pub(crate) struct Server {
    pub endpoint: Endpoint,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::over(Arc::default(), manner).await
    }

    pub(crate) async fn over(contents: Arc<Mutex<Contents>>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let service = Service {
            contents,
            events: broadcast::Sender::new(1 << 16),
            manner,
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(KvServer::new(service.clone()))
                .add_service(WatchServer::new(service))
                .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        Server {
            endpoint: address.to_string().parse().unwrap(),
            stop: Some(stop),
            task,
        }
    }

    /// Calls under way are answered, then the connections end.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Contents {
    fn header(&self) -> Option<pb::ResponseHeader> {
        Some(pb::ResponseHeader {
            revision: self.revision + 1,
            ..Default::default()
        })
    }

    fn apply(&mut self, request: &pb::PutRequest) -> Event {
        self.revision += 1;
        let revision = self.revision + 1;
        let entry = self.keys.entry(request.key.clone()).or_default();
        if entry.version == 0 {
            entry.create_revision = revision;
        }
        entry.key = request.key.clone();
        entry.value = request.value.clone();
        entry.version += 1;
        entry.mod_revision = revision;
        Event {
            kv: Some(entry.clone()),
            ..Default::default()
        }
    }
}

impl Service {
    fn publish(&self, event: Event, put: u64) {
        let copies = match (self.manner, put % 7) {
            (Manner::StuttersEvents, 0) => 2,
            (Manner::StuttersEvents, 1) => 0,
            _ => 1,
        };
        for _ in 0..copies {
            // Without watchers nobody receives it.
            let _ = self.events.send(event.clone());
        }
    }
}

fn put_answer(header: Option<pb::ResponseHeader>) -> Result<Response<pb::PutResponse>, Status> {
    Ok(Response::new(pb::PutResponse {
        header,
        prev_kv: None,
    }))
}

#[tonic::async_trait]
impl Kv for Service {
    async fn put(
        &self,
        request: Request<pb::PutRequest>,
    ) -> Result<Response<pb::PutResponse>, Status> {
        let request = request.into_inner();
        let mut contents = self.contents.lock();
        contents.puts += 1;
        let put = contents.puts;
        match self.manner {
            Manner::Loses if put.is_multiple_of(7) => {
                contents.revision += 1;
                return put_answer(contents.header());
            }
            Manner::Doubles if put.is_multiple_of(7) => {
                contents.apply(&request);
            }
            Manner::Unsure if put % 14 == 7 => return Err(Status::unavailable("not applied")),
            Manner::Unsure if put.is_multiple_of(14) => {
                contents.apply(&request);
                return Err(Status::unavailable("applied"));
            }
            _ => {}
        }
        let event = contents.apply(&request);
        self.publish(event, put);
        put_answer(contents.header())
    }

    async fn range(
        &self,
        request: Request<pb::RangeRequest>,
    ) -> Result<Response<pb::RangeResponse>, Status> {
        let request = request.into_inner();
        let contents = self.contents.lock();
        let in_range =
            |key: &Bytes| *key == request.key || (*key >= request.key && *key < request.range_end);
        let found: Vec<_> = contents
            .keys
            .values()
            .filter(|kv| in_range(&kv.key))
            .collect();
        let limit = match usize::try_from(request.limit) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(limit) => limit,
        };
        Ok(Response::new(pb::RangeResponse {
            header: contents.header(),
            count: found.len() as i64,
            more: found.len() > limit,
            kvs: found.into_iter().take(limit).cloned().collect(),
        }))
    }

    async fn delete_range(
        &self,
        _: Request<pb::DeleteRangeRequest>,
    ) -> Result<Response<pb::DeleteRangeResponse>, Status> {
        Err(Status::unimplemented("not part of the fixture"))
    }

    async fn txn(&self, _: Request<pb::TxnRequest>) -> Result<Response<pb::TxnResponse>, Status> {
        Err(Status::unimplemented("not part of the fixture"))
    }

    async fn compact(
        &self,
        _: Request<pb::CompactionRequest>,
    ) -> Result<Response<pb::CompactionResponse>, Status> {
        Err(Status::unimplemented("not part of the fixture"))
    }
}

type Responses = Pin<Box<dyn futures::Stream<Item = Result<pb::WatchResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Watch for Service {
    type WatchStream = Responses;

    /// One watch per stream, of everything from now on.
    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let mut requests = request.into_inner();
        requests.message().await?;
        let receiver = self.events.subscribe();
        let created = pb::WatchResponse {
            header: self.contents.lock().header(),
            created: true,
            ..Default::default()
        };
        let events = stream::unfold((receiver, requests), |(mut receiver, requests)| async {
            let event = receiver.recv().await.ok()?;
            let response = pb::WatchResponse {
                events: vec![event],
                ..Default::default()
            };
            Some((Ok(response), (receiver, requests)))
        });
        let first = stream::iter([Ok(created)]);
        Ok(Response::new(Box::pin(futures::StreamExt::chain(
            first, events,
        ))))
    }
}
