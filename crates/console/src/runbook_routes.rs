//! The runbook for people: what an alert's link and the page's ids lead to.
//! Nothing in it is of the cluster, so everybody may read it.

use crate::page;
use crate::runbook::{section, sections};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

const TOP: &str = include_str!("../page/runbook.html");

pub(crate) async fn contents() -> Response {
    let mut body = "<h1>Runbook</h1>\n<ul>\n".to_owned();
    for section in sections() {
        let (id, title) = (section.id, section.title_html());
        let _ = writeln!(body, "<li><a href=\"/runbook/{id}\">{id}</a> {title}</li>");
    }
    shown("Runbook", &(body + "</ul>\n"))
}

pub(crate) async fn one(Path(id): Path<String>) -> Response {
    match section(&id) {
        Some(section) => shown(section.id, &section.html()),
        None => {
            let body = "<h1>No such id</h1>\n\
                        <p>This version of Understudy has no refusal, check or alert of that id. \
                        <a href=\"/runbook\">All there are</a>.</p>\n";
            (StatusCode::NOT_FOUND, shown("No such id", body)).into_response()
        }
    }
}

fn shown(title: &str, body: &str) -> Response {
    let text = TOP.replace("{title}", title).replace("{body}", body);
    page::sent(page::HTML, text)
}
