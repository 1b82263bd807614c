//! One watch stream: one task that takes the client's requests, follows what
//! the node applies, and never has more waiting than a few responses.

use super::delivery::{
    Look, Watchers, compacted_responses, look, page_responses, went_back_responses,
};
use super::watcher::{self, ProgressNotify, Watcher};
use crate::{backend::Backend, door::Door, status};
use std::sync::Arc;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tonic::{Status, Streaming};
use understudy_kv::KvState;
use understudy_wire::etcd::etcdserverpb::{
    WatchCreateRequest, WatchRequest, WatchResponse, watch_request::RequestUnion,
};

/// The id in a response that is about no watch, or about all of them.
const NO_WATCH: i64 = -1;

pub(super) struct Session<B> {
    door: Arc<Door<B>>,
    outgoing: mpsc::Sender<WatchResponse>,
    watchers: Watchers,
    /// Where to look for a free id.
    next_id: i64,
    progress: Progress,
}

/// Whether the client waits to be told how far the whole stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    NotAsked,
    Asked,
}

/// The stream is over; with a status when it is not the client who ended it.
enum End {
    ByClient,
    ByServer,
}

impl<B: Backend> Session<B> {
    pub(super) fn new(door: Arc<Door<B>>, outgoing: mpsc::Sender<WatchResponse>) -> Self {
        Session {
            door,
            outgoing,
            watchers: Watchers::new(),
            next_id: 0,
            progress: Progress::NotAsked,
        }
    }

    /// Serves the stream to its end. An error is what the client is to see.
    pub(super) async fn run(mut self, requests: Streaming<WatchRequest>) -> Result<(), Status> {
        match self.serve(requests).await {
            Ok(()) | Err(End::ByClient) => Ok(()),
            Err(End::ByServer) => Err(status::stopped()),
        }
    }

    async fn serve(&mut self, mut requests: Streaming<WatchRequest>) -> Result<(), End> {
        let closing = self.door.closing.clone();
        let outgoing = self.outgoing.clone();
        let mut applied = self.door.backend.applied();
        let mut ticker = ticker(self.door.options.watch_progress_interval);
        loop {
            // Seen before the look: what is applied after it wakes us again.
            applied.borrow_and_update();
            let caught_up = self.deliver().await?;
            tokio::select! {
                biased;
                () = closing.cancelled() => return Err(End::ByServer),
                () = outgoing.closed() => return Err(End::ByClient),
                request = requests.message() => match request {
                    Ok(Some(request)) => self.take_request(request).await?,
                    Ok(None) | Err(_) => return Err(End::ByClient),
                },
                _ = ticker.tick() => self.notify().await?,
                changed = applied.changed(), if caught_up.is_some() => {
                    changed.map_err(|_| End::ByServer)?;
                }
                () = tokio::task::yield_now(), if caught_up.is_none() => {}
            }
        }
    }

    /// Tells the watches that are furthest behind one page. Gives the current
    /// revision when there is nothing left to tell.
    async fn deliver(&mut self) -> Result<Option<i64>, End> {
        let found = self.door.backend.read(|state| look(&self.watchers, state));
        let responses = match found {
            Look::CaughtUp { revision } => {
                self.answer_progress(revision).await?;
                return Ok(Some(revision));
            }
            Look::Page {
                from_revision,
                page,
                revision,
            } => {
                let header = self.door.header(revision.min(page.next_revision - 1));
                let bytes_max = self.door.options.fragment_bytes_max;
                page_responses(&mut self.watchers, from_revision, &page, header, bytes_max)
            }
            Look::Compacted { from_revision, at } => {
                compacted_responses(&mut self.watchers, from_revision, at)
            }
            Look::WentBack { revision } => went_back_responses(&mut self.watchers, revision),
        };
        for response in responses {
            self.send(response).await?;
        }
        Ok(None)
    }

    async fn take_request(&mut self, request: WatchRequest) -> Result<(), End> {
        match request.request_union {
            Some(RequestUnion::CreateRequest(request)) => self.create(&request).await,
            Some(RequestUnion::CancelRequest(request)) => self.cancel(request.watch_id).await,
            Some(RequestUnion::ProgressRequest(_)) => {
                self.progress = Progress::Asked;
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn create(&mut self, request: &WatchCreateRequest) -> Result<(), End> {
        let revision = self.door.backend.read(KvState::revision);
        let created = WatchResponse {
            header: Some(self.door.header(revision)),
            created: true,
            ..WatchResponse::default()
        };
        let refused = |reason: &str| WatchResponse {
            watch_id: NO_WATCH,
            canceled: true,
            cancel_reason: reason.to_owned(),
            ..created.clone()
        };
        if watcher::keys(request).is_empty() {
            return self.send(refused("mvcc: watcher range is empty")).await;
        }
        let Some(watch_id) = self.free_id(request.watch_id) else {
            let reason = "mvcc: duplicate watch ID provided on the WatchStream";
            return self.send(refused(reason)).await;
        };
        self.watchers
            .insert(watch_id, Watcher::new(request, revision));
        self.send(WatchResponse {
            watch_id,
            ..created
        })
        .await
    }

    /// The wanted id, or a free one for 0; none when it is taken.
    fn free_id(&mut self, wanted: i64) -> Option<i64> {
        if wanted != 0 {
            return (!self.watchers.contains_key(&wanted)).then_some(wanted);
        }
        while self.watchers.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        Some(self.next_id - 1)
    }

    async fn cancel(&mut self, watch_id: i64) -> Result<(), End> {
        if self.watchers.remove(&watch_id).is_none() {
            return Ok(());
        }
        let revision = self.door.backend.read(KvState::revision);
        self.send(WatchResponse {
            header: Some(self.door.header(revision)),
            watch_id,
            canceled: true,
            ..WatchResponse::default()
        })
        .await
    }

    /// Answers the client's question once every watch has been told all.
    async fn answer_progress(&mut self, revision: i64) -> Result<(), End> {
        match std::mem::replace(&mut self.progress, Progress::NotAsked) {
            Progress::NotAsked => Ok(()),
            Progress::Asked => self.send_progress(NO_WATCH, revision).await,
        }
    }

    /// Tells the watches that have long heard nothing how far they are.
    async fn notify(&mut self) -> Result<(), End> {
        let Look::CaughtUp { revision } =
            self.door.backend.read(|state| look(&self.watchers, state))
        else {
            return Ok(());
        };
        let mut quiet = Vec::new();
        for (id, watcher) in &mut self.watchers {
            match watcher.notify {
                ProgressNotify::Never => {}
                ProgressNotify::Later => watcher.notify = ProgressNotify::NextTime,
                ProgressNotify::NextTime => quiet.push(*id),
            }
        }
        for id in quiet {
            self.send_progress(id, revision).await?;
        }
        Ok(())
    }

    async fn send_progress(&self, watch_id: i64, revision: i64) -> Result<(), End> {
        let header = Some(self.door.header(revision));
        self.send(WatchResponse {
            header,
            watch_id,
            ..WatchResponse::default()
        })
        .await
    }

    /// Waits for room, so a client that reads slowly only holds up itself.
    async fn send(&self, response: WatchResponse) -> Result<(), End> {
        tokio::select! {
            sent = self.outgoing.send(response) => sent.map_err(|_| End::ByClient),
            () = self.door.closing.cancelled() => Err(End::ByServer),
        }
    }
}

fn ticker(period: std::time::Duration) -> Interval {
    let mut ticker = interval_at(Instant::now() + period, period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
