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

use crate::{Console, Receipts, Subject};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use understudy_node::BootClock;
use understudy_types::Clock;

/// The pair, asked now, or half a second ago for somebody else: the same JSON
/// as `understudy status -o json`. This node comes first.
pub(crate) async fn status<S: Subject>(State(console): State<Console<S>>) -> Response {
    let own = console.subject().status();
    let mut nodes = vec![console.own_answer(own.clone())];
    nodes.extend(console.ask_others(&own).await);
    Json(json!({ "nodes": nodes })).into_response()
}

/// Names the nodes whose receipts are missing, by their addresses.
const SILENT: HeaderName = HeaderName::from_static("understudy-silent");

/// The receipts of this node and of those that answer it: the same JSON as
/// `understudy history -o json`.
pub(crate) async fn history<S: Subject>(State(console): State<Console<S>>) -> Response {
    match &*console.receipts().await {
        Ok(Receipts { found, silent }) => {
            let mut response = Json(found).into_response();
            if !silent.is_empty() {
                response.headers_mut().insert(SILENT, listed(silent));
            }
            response
        }
        Err(error) => {
            let body = Json(json!({ "error": error }));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
    }
}

/// Whatever stands in a configuration.
fn listed(addresses: &[String]) -> HeaderValue {
    let escaped = addresses.join(", ").escape_default().to_string();
    HeaderValue::try_from(escaped).expect("nothing but visible ASCII and spaces is left")
}

/// The samples of the last hours, the oldest first.
pub(crate) async fn lag<S: Subject>(State(console): State<Console<S>>) -> Response {
    let report = console.ring().lock().report(BootClock.now());
    Json(report).into_response()
}
