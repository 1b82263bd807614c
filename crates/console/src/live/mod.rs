//! What the page shows while it is open: the pair each second, and the lag of
//! the last hours, which this process remembers and a restart forgets.

mod events;
mod pulse;
mod ring;
mod sample;
mod shared;

pub(crate) use events::events;
pub(crate) use pulse::{ask_others, beat};
pub(crate) use ring::LagRing;
pub(crate) use sample::Sample;
pub(crate) use shared::Shared;

use crate::{Console, Subject};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use understudy_node::BootClock;
use understudy_types::Clock;

/// The pair, asked now, or half a second ago for somebody else: the same JSON as `understudy status -o json`. This
/// node comes first.
pub(crate) async fn status<S: Subject>(State(console): State<Console<S>>) -> Response {
    let own = console.subject().status();
    let mut nodes = vec![console.own_answer(own.clone())];
    nodes.extend(console.ask_others(&own).await);
    Json(json!({ "nodes": nodes })).into_response()
}

/// The receipts of this node and of those that answer it: the same JSON as
/// `understudy history -o json`.
pub(crate) async fn history<S: Subject>(State(console): State<Console<S>>) -> Response {
    match &*console.receipts().await {
        Ok(receipts) => Json(receipts).into_response(),
        Err(error) => {
            let body = Json(json!({ "error": error }));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
    }
}

/// The samples of the last hours, the oldest first.
pub(crate) async fn lag<S: Subject>(State(console): State<Console<S>>) -> Response {
    let report = console.ring().lock().report(BootClock.now());
    Json(report).into_response()
}
