use super::stamp::Stamp;
use super::tracker::Tracker;
use crate::call::code_name;
use crate::writes::prefix_end;
use crate::{Endpoint, Latency, Stopwatch, TargetOptions};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::transport::{Channel, Endpoint as Address};
use tonic::{Status, Streaming};
use understudy_wire::etcd::etcdserverpb as pb;
use understudy_wire::etcd::etcdserverpb::watch_client::WatchClient;
use understudy_wire::etcd::mvccpb::Event;

const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// What one watcher saw.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) tracker: Tracker,
    pub(super) events: u64,
    /// From just before a put to its event, puts that failed included.
    pub(super) latency: Latency,
    /// Streams that ended before the watcher had seen everything.
    pub(super) reconnects: u64,
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At the key that is written after all others.
    SawEverything,
    /// It was told to give up, or the server canceled the watch for good.
    GaveUp,
}

#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) index: usize,
    pub(super) target: TargetOptions,
    pub(super) prefix: String,
    /// The key that is written last.
    pub(super) last_key: Bytes,
    pub(super) stopwatch: Stopwatch,
    /// Told once, when the first stream stands.
    pub(super) ready: mpsc::Sender<()>,
    pub(super) give_up: watch::Receiver<bool>,
    pub(super) watched: Watched,
    /// From where the next stream starts; 0 before the first one stood.
    pub(super) next_revision: i64,
}

impl Watched {
    pub(super) fn new(writers: u32) -> Self {
        Watched {
            tracker: Tracker::new(writers),
            events: 0,
            latency: Latency::default(),
            reconnects: 0,
            errors: BTreeMap::new(),
            end: End::GaveUp,
        }
    }
}

/// Why a stream is left.
enum Leave {
    For(End),
    Reconnect,
}

impl Watcher {
    /// Watches until the last key, over as many streams as it takes.
    pub(super) async fn run(mut self) -> Watched {
        let mut give_up = self.give_up.clone();
        tokio::select! {
            end = self.watch_to_end() => self.watched.end = end,
            _ = give_up.wait_for(|told| *told) => {}
        }
        self.watched
    }

    async fn watch_to_end(&mut self) -> End {
        loop {
            match self.watch_once().await {
                Ok(Leave::For(end)) => return end,
                Ok(Leave::Reconnect) => {}
                Err(status) => self.count(code_name(status.code())),
            }
            self.watched.reconnects += 1;
            self.index += 1;
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn watch_once(&mut self) -> Result<Leave, Status> {
        let endpoint = self.target.endpoint(self.index);
        let mut client = connect(endpoint, self.target.connect_timeout).await?;
        let mut responses = self.open_stream(&mut client).await?;
        while let Some(response) = responses.message().await? {
            if response.canceled {
                self.count("watch_canceled");
                return Ok(Leave::For(End::GaveUp));
            }
            if response.created && self.next_revision == 0 {
                self.next_revision = response.header.map_or(0, |header| header.revision) + 1;
                // The run may have been given up already.
                let _ = self.ready.try_send(());
            }
            for event in &response.events {
                if self.note(event) == Noted::LastKey {
                    return Ok(Leave::For(End::SawEverything));
                }
            }
        }
        Ok(Leave::Reconnect)
    }

    async fn open_stream(
        &self,
        client: &mut WatchClient<Channel>,
    ) -> Result<Streaming<pb::WatchResponse>, Status> {
        let create = pb::WatchCreateRequest {
            key: Bytes::copy_from_slice(self.prefix.as_bytes()),
            range_end: prefix_end(self.prefix.as_bytes()),
            start_revision: self.next_revision,
            ..Default::default()
        };
        let request = pb::WatchRequest {
            request_union: Some(pb::watch_request::RequestUnion::CreateRequest(create)),
        };
        // The request stream stays open as long as the watch.
        let requests = stream::once(async { request }).chain(stream::pending());
        Ok(client.watch(requests).await?.into_inner())
    }

    fn note(&mut self, event: &Event) -> Noted {
        let Some(entry) = &event.kv else {
            return Noted::Other;
        };
        self.next_revision = self.next_revision.max(entry.mod_revision + 1);
        if entry.key == self.last_key {
            return Noted::LastKey;
        }
        if let Some(stamp) = Stamp::from_value(&entry.value)
            && self.watched.tracker.note(stamp.writer, stamp.number)
        {
            let nanos = self
                .stopwatch
                .elapsed_nanos()
                .saturating_sub(stamp.sent_nanos);
            self.watched.latency.record(Duration::from_nanos(nanos));
            self.watched.events += 1;
        }
        Noted::Other
    }

    fn count(&mut self, kind: &'static str) {
        *self.watched.errors.entry(kind).or_default() += 1;
    }
}

#[derive(PartialEq, Eq)]
enum Noted {
    LastKey,
    Other,
}

pub(crate) async fn connect(
    endpoint: &Endpoint,
    within: Duration,
) -> Result<WatchClient<Channel>, Status> {
    let channel = Address::from_shared(endpoint.url())
        .map_err(|error| Status::invalid_argument(error.to_string()))?
        .connect_timeout(within)
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(WatchClient::new(channel).max_decoding_message_size(usize::MAX))
}
