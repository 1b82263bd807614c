use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// Nothing from anywhere but this node, nothing inline, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $kind:expr),* $(,)?) => {
        /// All that the page consists of, beside `index.html`.
        pub(crate) const FILES: &[(&str, &str, &str)] =
            &[$(($name, $kind, include_str!(concat!("../page/", $name)))),*];
    };
}

files! {
    "style.css": CSS,
    "icon.svg": SVG,
    "app.js": JAVASCRIPT,
    "act.js": JAVASCRIPT,
    "answers.js": JAVASCRIPT,
    "chart.js": JAVASCRIPT,
    "history.js": JAVASCRIPT,
    "lag.js": JAVASCRIPT,
    "panels.js": JAVASCRIPT,
    "words.js": JAVASCRIPT,
}

pub(crate) async fn page() -> Response {
    sent(HTML, include_str!("../page/index.html"))
}

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, kind, text)) => sent(kind, *text),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) fn sent(kind: &'static str, text: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // Another version may serve the next request.
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}
