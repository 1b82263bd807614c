use crate::{Subject, health, metrics, page};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::future::Future;
use tokio::net::TcpListener;

const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All routes; each answers GET and HEAD.
pub fn router<S: Subject>(subject: S) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/status", get(health::status::<S>))
        .route("/live", get(health::live::<S>))
        .route("/ready", get(health::ready::<S>))
        .route("/primary", get(health::primary::<S>))
        .route("/standby", get(health::standby::<S>))
        .route("/metrics", get(exposition::<S>))
        .with_state(subject)
}

/// Serves until `shutdown`, then lets requests under way end. Dropped, it
/// closes all at once; nothing is lost by that.
pub async fn serve<S: Subject>(
    subject: S,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(subject))
        .with_graceful_shutdown(shutdown)
        .await
}

async fn exposition<S: Subject>(State(subject): State<S>) -> impl IntoResponse {
    let text = metrics::render(&subject.status(), subject.is_primary_now());
    ([(CONTENT_TYPE, PROMETHEUS_TEXT)], text)
}
