use crate::access::Caller;
use crate::{Console, Subject};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use std::convert::Infallible;
use std::time::Duration;
use understudy_node::BootClock;
use understudy_types::Clock;

/// A comment when nothing else was sent for so long, so that proxies and the
/// browser notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Server-sent events: `status` about each second, as long as the browser
/// reads, and `activation` with each step of what an operator asked for. A
/// slow reader gets the newest one and not those in between. Ends when the
/// console does.
pub(crate) async fn events<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
) -> Response {
    let person = console.access().person(&caller, BootClock.now());
    let Some(place) = console.take_place(person.ok().flatten().as_ref()) else {
        let headers = [(RETRY_AFTER, "5")];
        let text = "too many open pages: close one, or try again in a moment\n";
        return (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response();
    };
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let events = Sse::new(told(console, place)).keep_alive(heartbeat);
    ([(CACHE_CONTROL, "no-store")], events).into_response()
}

fn told<S: Subject, P>(
    console: Console<S>,
    place: P,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let statuses = console.listen();
    let mut acts = console.acts().told();
    // What was asked for before this page was opened is shown as well.
    acts.mark_changed();
    let stopped = console.stopped();
    stream::unfold(
        (statuses, acts, stopped, place),
        async move |(mut statuses, mut acts, stopped, place)| {
            let (name, data) = loop {
                tokio::select! {
                    changed = acts.changed() => {
                        changed.ok()?;
                        let data = acts.borrow_and_update().to_string();
                        if !data.is_empty() {
                            break ("activation", data);
                        }
                    }
                    changed = statuses.changed() => {
                        changed.ok()?;
                        break ("status", statuses.borrow_and_update().to_string());
                    }
                    () = stopped.cancelled() => return None,
                }
            };
            let event = Event::default().event(name).data(data);
            Some((Ok(event), (statuses, acts, stopped, place)))
        },
    )
}
