use crate::Refusal;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Why somebody may not do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    NoTokens,
    NotSignedIn,
    WrongToken,
    TooManyWrong(Duration),
    NotOperator(String),
    OtherSite,
}

impl Denied {
    fn status(&self) -> StatusCode {
        match self {
            Denied::NotSignedIn | Denied::WrongToken => StatusCode::UNAUTHORIZED,
            Denied::TooManyWrong(_) => StatusCode::TOO_MANY_REQUESTS,
            Denied::NoTokens | Denied::NotOperator(_) | Denied::OtherSite => StatusCode::FORBIDDEN,
        }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Denied::NoTokens => Refusal::new(
                "E501",
                "this console is for looking only: it has no tokens",
                "configure console.operators_file and restart the node, or use the understudy command",
            ),
            Denied::NotSignedIn => {
                Refusal::new("E502", "nobody is signed in", "sign in with your token")
            }
            Denied::WrongToken => Refusal::new(
                "E503",
                "this token is nobody's here",
                "check that it is of this cluster, and whole; each node has its own list",
            ),
            Denied::TooManyWrong(wait) => Refusal::new(
                "E504",
                "too many wrong tokens came from this address",
                format!("wait {} s", wait.as_secs() + 1),
            ),
            Denied::NotOperator(name) => Refusal::new(
                "E505",
                format!("{name} may look, and not act"),
                "sign in with an operator's token",
            ),
            Denied::OtherSite => Refusal::new(
                "E506",
                "this request does not come from a page of this console",
                "programs send the header X-Understudy: 1, and no Origin",
            ),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.refusal())).into_response();
        if let Denied::TooManyWrong(wait) = self {
            let seconds = (wait.as_secs() + 1).into();
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}
