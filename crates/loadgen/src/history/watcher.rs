use super::record::{Sighting, WatchedEvent};
use super::requests::Keys;
use crate::Endpoint;
use crate::watch::connect;
use futures::{StreamExt, stream};
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::Status;
use understudy_wire::etcd::etcdserverpb as pb;
use understudy_wire::etcd::mvccpb::{Event, event::EventType};

const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Watches all keys of a run, over as many streams as it takes.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) keys: Keys,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) current: usize,
    pub(super) connect_timeout: Duration,
    pub(super) next_revision: i64,
    pub(super) sightings: Vec<Sighting>,
}

#[derive(PartialEq, Eq)]
enum Seen {
    LastKey,
    NotYet,
}

impl Watcher {
    /// Until the key that is written last, which is not among the sightings.
    pub(super) async fn run(mut self) -> Vec<Sighting> {
        loop {
            // A stream's end, whatever its reason, is followed by another.
            if let Ok(Seen::LastKey) = self.watch_once().await {
                return self.sightings;
            }
            self.current = (self.current + 1) % self.endpoints.len();
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn watch_once(&mut self) -> Result<Seen, Status> {
        let endpoint = &self.endpoints[self.current];
        let mut client = connect(endpoint, self.connect_timeout).await?;
        let (key, range_end) = self.keys.range();
        let create = pb::WatchCreateRequest {
            key,
            range_end,
            start_revision: self.next_revision,
            ..Default::default()
        };
        let request = pb::WatchRequest {
            request_union: Some(pb::watch_request::RequestUnion::CreateRequest(create)),
        };
        // The request stream stays open as long as the watch, and no longer:
        // it would keep the connection.
        let (_open, closed) = oneshot::channel::<()>();
        let rest = stream::pending().take_until(closed);
        let requests = stream::once(async { request }).chain(rest);
        let mut responses = client.watch(requests).await?.into_inner();
        while let Some(response) = responses.message().await? {
            if response.canceled {
                if response.compact_revision > 0 {
                    self.note_compaction(response.compact_revision);
                }
                return Ok(Seen::NotYet);
            }
            for event in &response.events {
                if self.note(event) == Seen::LastKey {
                    return Ok(Seen::LastKey);
                }
            }
        }
        Ok(Seen::NotYet)
    }

    fn note_compaction(&mut self, revision: i64) {
        self.next_revision = revision;
        self.sightings.push(Sighting::Compacted { revision });
    }

    fn note(&mut self, event: &Event) -> Seen {
        let Some(entry) = &event.kv else {
            return Seen::NotYet;
        };
        if entry.key == self.keys.last() {
            return Seen::LastKey;
        }
        self.next_revision = entry.mod_revision + 1;
        let is_put = event.r#type() == EventType::Put;
        self.sightings.push(Sighting::Event(WatchedEvent {
            revision: entry.mod_revision,
            key: entry.key.clone(),
            value: is_put.then(|| entry.value.clone()),
        }));
        Seen::NotYet
    }
}
