use crate::doorway::{Doorway, Origin};
use crate::live::{self, ask_others, beat};
use crate::metrics::Form;
use crate::{Console, Subject, access_routes, acts, health, metrics, page, runbook_routes};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use std::future::Future;
use tokio::net::TcpListener;

/// The largest request has a reason and some evidence.
const BODY_BYTES_MAX: usize = 16 << 10;

/// All routes; what is read answers GET and HEAD.
pub fn router<S: Subject>(console: Console<S>) -> Router {
    let looking = from_fn_with_state(console.clone(), access_routes::look::<S>);
    Router::new()
        .route("/api/status", get(live::status::<S>))
        .route("/api/events", get(live::events::<S>))
        .route("/api/history", get(live::history::<S>))
        .route("/api/lag", get(live::lag::<S>))
        .route("/status", get(health::status::<S>))
        .route_layer(looking)
        .route("/", get(page::page))
        .route("/page/{file}", get(page::file))
        .route("/runbook", get(runbook_routes::contents))
        .route("/runbook/{id}", get(runbook_routes::one))
        .route(
            "/api/session",
            get(access_routes::session::<S>)
                .post(access_routes::sign_in::<S>)
                .delete(access_routes::sign_out::<S>),
        )
        .route("/api/check", post(acts::check::<S>))
        .route("/api/activation", post(acts::act::<S>))
        .merge(probes(&console))
        .route("/metrics", get(exposition::<S>))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(console)
}

/// Open to everybody; with the status for those who may look.
fn probes<S: Subject>(console: &Console<S>) -> Router<Console<S>> {
    let answering = from_fn_with_state(console.clone(), access_routes::answer_only::<S>);
    Router::new()
        .route("/live", get(health::live::<S>))
        .route("/ready", get(health::ready::<S>))
        .route("/primary", get(health::primary::<S>))
        .route("/standby", get(health::standby::<S>))
        .route_layer(answering)
}

/// Serves until `shutdown`, then ends the open pages' events and lets other
/// requests under way end. Dropped, it closes all at once; nothing is lost by
/// that.
pub async fn serve<S: Subject>(
    console: Console<S>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopped = console.stopped();
    let ending = async move {
        shutdown.await;
        stopped.cancel();
    };
    let service = router(console.clone()).into_make_service_with_connect_info::<Origin>();
    let serving = axum::serve(Doorway::new(listener), service).with_graceful_shutdown(ending);
    tokio::select! {
        served = serving => served,
        () = beat(console.clone()) => Ok(()),
        () = ask_others(console) => Ok(()),
    }
}

async fn exposition<S: Subject>(
    State(console): State<Console<S>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let form = Form::wanted(accept.unwrap_or_default());
    let text = metrics::render(&console.subject().scrape().await, form);
    let headers = [(CONTENT_TYPE, form.content_type()), (VARY, "accept")];
    (headers, text)
}
