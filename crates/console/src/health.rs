//! Yes or no for load balancers and probes, each with the status as JSON.

use crate::{Console, Subject};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use understudy_node::config::{parse_byte_count, parse_duration};
use understudy_node::status::{Lag, Status};
use understudy_types::ByteCount;

pub(crate) async fn status<S: Subject>(State(console): State<Console<S>>) -> Response {
    (StatusCode::OK, Json(console.subject().status())).into_response()
}

/// Whether a restart could help: 503 when a thread hangs, and for nothing else.
pub(crate) async fn live<S: Subject>(State(console): State<Console<S>>) -> Response {
    let subject = console.subject();
    (yes_or_no(subject.is_alive()), Json(subject.status())).into_response()
}

pub(crate) async fn ready<S: Subject>(State(console): State<Console<S>>) -> Response {
    (
        yes_or_no(console.subject().is_ready()),
        Json(console.subject().status()),
    )
        .into_response()
}

/// 202 while this node has claimed an epoch that it does not serve yet.
pub(crate) async fn primary<S: Subject>(State(console): State<Console<S>>) -> Response {
    let status = console.subject().status();
    let code = match console.subject().is_primary_now() {
        true => StatusCode::OK,
        false if matches!(status.role.as_str(), "claimed" | "promoting") => StatusCode::ACCEPTED,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(status)).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandbyQuestion {
    #[serde(rename = "max-lag")]
    max_lag: Option<String>,
}

pub(crate) async fn standby<S: Subject>(
    State(console): State<Console<S>>,
    Query(question): Query<StandbyQuestion>,
) -> Response {
    let limit = match question.max_lag.as_deref().map(LagLimit::parse).transpose() {
        Ok(limit) => limit,
        Err(problem) => {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response();
        }
    };
    let status = console.subject().status();
    (yes_or_no(is_standby_within(&status, limit)), Json(status)).into_response()
}

fn yes_or_no(yes: bool) -> StatusCode {
    if yes {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// How far behind a standby may be, in one of three measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LagLimit {
    Time(Duration),
    Records(u64),
    Bytes(ByteCount),
}

impl LagLimit {
    pub(crate) fn parse(text: &str) -> Result<LagLimit, String> {
        let records = text.parse().map(LagLimit::Records).ok();
        let time = || parse_duration(text).map(LagLimit::Time).ok();
        let bytes = || parse_byte_count(text).map(LagLimit::Bytes).ok();
        records.or_else(time).or_else(bytes).ok_or_else(|| {
            format!("max-lag={text}: write a time (1s), records (10000) or bytes (16MiB)")
        })
    }

    fn covers(self, lag: &Lag) -> bool {
        match self {
            LagLimit::Time(limit) => lag.seconds <= limit.as_secs_f64(),
            LagLimit::Records(limit) => lag.records_applied <= limit,
            LagLimit::Bytes(limit) => lag.bytes_flushed <= limit.get(),
        }
    }
}

/// A lag that is not known is within no limit.
pub(crate) fn is_standby_within(status: &Status, limit: Option<LagLimit>) -> bool {
    let streams = status
        .stream
        .as_ref()
        .is_some_and(|stream| stream.state == "streaming");
    let within = |lag: Option<&Lag>| match limit {
        None => true,
        Some(limit) => lag.is_some_and(|lag| lag.known && limit.covers(lag)),
    };
    status.role == "standby"
        && streams
        && status
            .shards
            .values()
            .all(|shard| within(shard.lag.as_ref()))
}
