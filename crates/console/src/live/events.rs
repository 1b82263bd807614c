use crate::access::{Caller, Guest};
use crate::{Console, Subject};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use understudy_node::BootClock;
use understudy_types::Clock;

/// A comment when nothing else was sent for so long, so that proxies and the
/// browser notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Server-sent events: `status` about each second, as long as the browser
/// reads, and `activation` with each step of what an operator asked for. A
/// slow reader gets the newest one and not those in between. Ends when the
/// console does, and when what let the caller in does not hold any more: the
/// session has ended, or the token is nobody's.
pub(crate) async fn events<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
) -> Response {
    let guest = console.access().guest(caller, BootClock.now());
    let Some(place) = console.take_place(&guest) else {
        let headers = [(RETRY_AFTER, "5")];
        let text = "too many open pages: close one, or try again in a moment\n";
        return (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response();
    };
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let page = OpenPage::new(console, guest, place);
    let told = stream::unfold(page, |mut page| async {
        let event = page.next().await?;
        Some((Ok::<_, Infallible>(event), page))
    });
    let events = Sse::new(told).keep_alive(heartbeat);
    ([(CACHE_CONTROL, "no-store")], events).into_response()
}

/// What one listener is told of.
struct OpenPage<S> {
    console: Console<S>,
    guest: Guest,
    statuses: watch::Receiver<Arc<str>>,
    acts: watch::Receiver<Arc<str>>,
    access: watch::Receiver<()>,
    stopped: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl<S: Subject> OpenPage<S> {
    fn new(console: Console<S>, guest: Guest, place: OwnedSemaphorePermit) -> OpenPage<S> {
        let mut acts = console.acts().told();
        // What was asked for before this page was opened is shown as well.
        acts.mark_changed();
        let mut access = console.access().changed();
        // What has changed since the guest was let in is looked at first.
        access.mark_changed();
        OpenPage {
            statuses: console.listen(),
            acts,
            access,
            stopped: console.stopped(),
            console,
            guest,
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            let told = tokio::select! {
                changed = self.acts.changed() => {
                    changed.ok()?;
                    Some(("activation", self.acts.borrow_and_update().to_string()))
                }
                changed = self.statuses.changed() => {
                    changed.ok()?;
                    Some(("status", self.statuses.borrow_and_update().to_string()))
                }
                changed = self.access.changed() => {
                    changed.ok()?;
                    None
                }
                () = self.stopped.cancelled() => return None,
            };
            // Before anything leaves; a status each second is soon enough for
            // a session that runs out.
            if !self.console.access().may_stay(&self.guest, BootClock.now()) {
                return None;
            }
            if let Some((name, data)) = told.filter(|(_, data)| !data.is_empty()) {
                return Some(Event::default().event(name).data(data));
            }
        }
    }
}
