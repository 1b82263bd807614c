//! The operator's acts by the page: the verdict, and the two verbs. They go
//! the way of the commands, which the cluster's implementation knows.

use crate::access::{Caller, Denied};
use crate::cluster::{Ask, Ended, Step, Told};
use crate::{Console, Refusal, Subject};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;
use understudy_node::BootClock;
use understudy_node::status::Receipt;
use understudy_protocol::Mode;
use understudy_types::{Clock, NodeId};

/// A request has about ten; what is beyond is not kept.
const STEPS_MAX: usize = 256;

/// What was asked for last by this console's page, and what came of it.
#[derive(Debug)]
pub(crate) struct Acts {
    current: Mutex<Option<Act>>,
    told: watch::Sender<Arc<str>>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Act {
    verb: Mode,
    to: NodeId,
    by: String,
    began_wall_millis: u64,
    steps: Vec<Step>,
    receipt: Option<Receipt>,
    /// Both absent while it is under way.
    ended: Option<Ended>,
    refusal: Option<Refusal>,
}

impl Act {
    fn is_under_way(&self) -> bool {
        self.ended.is_none() && self.refusal.is_none()
    }
}

impl Acts {
    pub(crate) fn new() -> Acts {
        Acts {
            current: Mutex::default(),
            told: watch::Sender::new(Arc::from("")),
        }
    }

    /// The last act as JSON, empty before the first; changes with each step.
    pub(crate) fn told(&self) -> watch::Receiver<Arc<str>> {
        self.told.subscribe()
    }

    fn begin(&self, ask: &Ask, by: &str) -> Result<(), Refusal> {
        let mut current = self.current.lock();
        if let Some(act) = current.as_ref().filter(|act| act.is_under_way()) {
            return Err(Refusal::new(
                "E507",
                format!(
                    "another request runs from this page: to {}, by {}",
                    act.to, act.by
                ),
                "wait for its end, which is shown here",
            ));
        }
        *current = Some(Act {
            verb: ask.verb,
            to: ask.to.clone(),
            by: by.to_owned(),
            began_wall_millis: BootClock.wall_millis(),
            steps: Vec::new(),
            receipt: None,
            ended: None,
            refusal: None,
        });
        self.tell(current.as_ref());
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut Act)) -> Option<Act> {
        let mut current = self.current.lock();
        if let Some(act) = current.as_mut() {
            change(act);
        }
        self.tell(current.as_ref());
        current.clone()
    }

    fn tell(&self, act: Option<&Act>) {
        let text = serde_json::to_string(&act).expect("an act is always representable");
        self.told.send_replace(text.into());
    }

    fn note(&self, told: Told) {
        self.change(|act| match told {
            Told::Step(step) if act.steps.len() < STEPS_MAX => act.steps.push(step),
            Told::Step(_) => {}
            Told::Receipt(receipt) => act.receipt = Some(*receipt),
        });
    }

    fn end(&self, result: Result<Ended, Refusal>) -> Option<Act> {
        self.change(|act| match result {
            Ok(ended) => act.ended = Some(ended),
            Err(refusal) => act.refusal = Some(refusal),
        })
    }
}

/// The verdict on a promotion; changes nothing.
pub(crate) async fn check<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
    Json(ask): Json<Ask>,
) -> Result<Response, Denied> {
    console.access().operator(&caller, BootClock.now())?;
    Ok(match console.cluster().judge(&ask).await {
        Ok(judged) => Json(judged).into_response(),
        Err(refusal) => (StatusCode::CONFLICT, Json(refusal)).into_response(),
    })
}

/// Acts, and answers with what came of it when it has ended; the page sees
/// each step meanwhile. It goes on when the caller goes away.
pub(crate) async fn act<S: Subject>(
    State(console): State<Console<S>>,
    caller: Caller,
    Json(ask): Json<Ask>,
) -> Result<Response, Denied> {
    let person = console.access().operator(&caller, BootClock.now())?;
    let by = format!(
        "{} (console of {})",
        person.name,
        console.subject().status().node
    );
    if let Err(refusal) = console.acts().begin(&ask, &by) {
        return Ok((StatusCode::CONFLICT, Json(refusal)).into_response());
    }
    let actor = console.clone();
    let acting = tokio::spawn(async move {
        let teller = actor.clone();
        let tell = Box::new(move |told| teller.acts().note(told));
        actor.cluster().act(ask, by, tell).await
    });
    let acting = tokio::spawn(async move {
        // Even a bug ends the act, or no other could begin.
        let broken = |_| {
            Err(Refusal::new(
                "error",
                "a bug ended this act",
                "look at `understudy status`",
            ))
        };
        console.acts().end(acting.await.unwrap_or_else(broken))
    });
    Ok(match acting.await {
        Ok(Some(act)) if act.refusal.is_none() => Json(act).into_response(),
        Ok(Some(act)) => (StatusCode::CONFLICT, Json(act.refusal)).into_response(),
        Ok(None) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}
