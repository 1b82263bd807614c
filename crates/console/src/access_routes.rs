//! Signing in and out, and the gate before what only viewers may see.

use crate::access::{Caller, Denied, Role};
use crate::{Console, Subject};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use understudy_node::BootClock;
use understudy_types::Clock;

/// Lets viewers through; everybody, when there are none.
pub(crate) async fn look<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Denied> {
    console.access().may_look(&caller, BootClock.now())?;
    Ok(next.run(request).await)
}

/// Whoever may not look hears yes or no, and nothing else.
pub(crate) async fn answer_only<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    match console.access().may_look(&caller, BootClock.now()) {
        Ok(()) => response,
        Err(_) => response.status().into_response(),
    }
}

/// Who is signed in, and what that allows.
pub(crate) async fn session<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
) -> Result<Response, Denied> {
    let (access, now) = (console.access(), BootClock.now());
    let person = access.person(&caller, now)?;
    let role = person.as_ref().map(|person| person.role);
    let answer = json!({
        "name": person.as_ref().map(|person| &person.name),
        "role": role,
        "may_look": access.may_look(&caller, now).is_ok(),
        "may_act": role == Some(Role::Operator),
        "has_tokens": access.has_tokens(),
    });
    Ok(Json(answer).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    token: String,
}

pub(crate) async fn sign_in<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
    Json(SignIn { token }): Json<SignIn>,
) -> Result<Response, Denied> {
    caller.is_own_page_or_program()?;
    let signed_in = console
        .access()
        .sign_in(&caller, token.trim(), BootClock.now());
    match &signed_in {
        Ok((person, _)) => {
            tracing::info!(name = %person.name, role = ?person.role, address = %caller.address, "signed in to the console");
        }
        Err(denied) => {
            tracing::info!(address = %caller.address, ?denied, "nobody was signed in to the console");
        }
    }
    let (person, cookie) = signed_in?;
    let answer = Json(json!({ "name": person.name, "role": person.role }));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), answer).into_response())
}

pub(crate) async fn sign_out<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
) -> Result<Response, Denied> {
    caller.is_own_page_or_program()?;
    let cookie = console.access().sign_out(&caller);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Json(json!({}))).into_response())
}
