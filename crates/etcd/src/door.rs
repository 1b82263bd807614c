//! Where every unary call enters: answered here, sent on to the primary, or
//! held for a bounded time until there is one.
//!
//! A call is sent a second time only when it is definite that the first time
//! did nothing, or when doing it twice is the same as once.

use crate::{
    backend::Backend,
    call::{Call, Failure, Origin, Repeat},
    identity::Identity,
    options::EtcdOptions,
    relay::{self, Relay},
    status,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use understudy_node::handle::{PrimaryView, Refusal, ShardView};
use understudy_types::Epoch;
use understudy_wire::etcd::etcdserverpb::ResponseHeader;

/// Between two attempts where nothing tells that the next may go better.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What all services of one shard stand on.
#[derive(Debug)]
pub(crate) struct Door<B> {
    pub(crate) backend: B,
    pub(crate) identity: Identity,
    pub(crate) options: EtcdOptions,
    /// Cancelled when the server stops: calls are held no longer.
    pub(crate) closing: CancellationToken,
    view: watch::Receiver<ShardView>,
    relay: Relay,
}

/// Who can answer, in the view of this node.
enum Route {
    Here,
    Primary(PrimaryView),
    Nobody,
}

impl<B: Backend> Door<B> {
    pub(crate) fn new(backend: B, options: EtcdOptions, closing: CancellationToken) -> Self {
        let identity = Identity::new(backend.cluster(), backend.node());
        let view = backend.view();
        let relay = Relay::new(options.dialer.clone());
        Door {
            backend,
            identity,
            options,
            closing,
            view,
            relay,
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.view.borrow().epoch
    }

    pub(crate) fn view(&self) -> ShardView {
        self.view.borrow().clone()
    }

    /// A header for an answer from this node's state at a revision.
    pub(crate) fn header(&self, revision: i64) -> ResponseHeader {
        self.identity.header(revision, self.epoch())
    }

    /// Answers a call. When the future is dropped the call may still happen.
    pub(crate) async fn answer<C: Call>(
        &self,
        call: &C,
        origin: Origin,
    ) -> Result<C::Answer, Status> {
        let here = self.view.borrow().here;
        if here {
            match call.answer_here(self).await {
                Err(Failure::NotAccepted(_)) if origin == Origin::Client => {}
                outcome => return outcome.map_err(Status::from),
            }
        } else if origin == Origin::Relay {
            return Err(status::of_refusal(Refusal::NotPrimary));
        }
        // On the heap, since nearly no call comes here, and each call would
        // carry the room for it.
        Box::pin(self.answer_held(call)).await
    }

    /// Tries until the call is answered or may be held no longer.
    async fn answer_held<C: Call>(&self, call: &C) -> Result<C::Answer, Status> {
        let deadline = Instant::now() + self.options.hold;
        let mut view = self.view.clone();
        let mut pause = PAUSE_FIRST;
        loop {
            let route = self.route(&view.borrow_and_update());
            let wake = match route {
                Route::Nobody => deadline,
                Route::Here | Route::Primary(_) => deadline.min(Instant::now() + pause),
            };
            let attempted = tokio::select! {
                attempted = self.attempt(call, route, deadline) => attempted,
                // What only reads need not wait for a primary of the past.
                Ok(()) = view.changed(), if C::REPEAT == Repeat::Always => continue,
            };
            let refused = match attempted {
                Ok(answer) => return Ok(answer),
                Err(Failure::NotAccepted(status)) => status,
                Err(Failure::Unknown) if C::REPEAT == Repeat::Always => status::outcome_unknown(),
                Err(failure) => return Err(failure.into()),
            };
            let changed = tokio::select! {
                changed = timeout_at(wake, view.changed()) => changed,
                () = self.closing.cancelled() => return Err(status::stopped()),
            };
            if Instant::now() >= deadline || matches!(changed, Ok(Err(_))) {
                return Err(refused);
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn route(&self, view: &ShardView) -> Route {
        match &view.primary {
            _ if view.here => Route::Here,
            Some(primary) if primary.node != *self.backend.node() => {
                Route::Primary(primary.clone())
            }
            // Named as primary, this node has no epoch open for writes yet.
            _ => Route::Nobody,
        }
    }

    async fn attempt<C: Call>(
        &self,
        call: &C,
        route: Route,
        deadline: Instant,
    ) -> Result<C::Answer, Failure> {
        match route {
            Route::Here => call.answer_here(self).await,
            Route::Primary(primary) => self.attempt_there(call, &primary, deadline).await,
            Route::Nobody => Err(Failure::NotAccepted(status::no_primary())),
        }
    }

    async fn attempt_there<C: Call>(
        &self,
        call: &C,
        primary: &PrimaryView,
        deadline: Instant,
    ) -> Result<C::Answer, Failure> {
        let unreachable = || Failure::NotAccepted(status::no_primary());
        let address = &primary.client_address;
        let line = timeout_at(deadline, self.relay.line(primary))
            .await
            .map_err(|_| unreachable())?
            .map_err(|error| {
                tracing::debug!(address, %error, "the primary's client address does not answer");
                unreachable()
            })?;
        let Ok(answer) = timeout_at(deadline, call.send_on(line.client.clone())).await else {
            return Err(Failure::Unknown);
        };
        answer.map_err(|status| {
            if relay::is_connection_failure(&status) {
                tracing::debug!(address, %status, "the connection to the primary failed");
                self.relay.give_up(&line);
            }
            Failure::of_relayed(&status)
        })
    }
}
