//! The activation flag as this node sees it: fetched like the lease, judged
//! once, and by a lease that was read after the request came.

use super::activate::Judgement;
use super::desk::{Desk, ReadNumber};
use super::event::{Action, Moment, Notice, ObjectFetched, Step};
use crate::activation::{ActivationRequest, RequestId};
use crate::lease::ETag;
use std::time::Duration;
use understudy_types::BootTime;

/// Until the lease has been read after the request came: the operator may
/// have seen more of it than this node had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) read: ReadNumber,
    /// From then on the store counts as silent; `None` once it does.
    pub(crate) until: Option<BootTime>,
}

#[derive(Debug)]
struct Arrived {
    request: ActivationRequest,
    wait: Option<Wait>,
}

/// Whether the open request may be judged now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    NotYet,
    Fresh,
    /// The lease could not be read since the request came.
    Silent,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    etag: Option<ETag>,
    arrived: Option<Arrived>,
    /// The last request that this node has dealt with.
    judged: Option<RequestId>,
    fetching: bool,
    next_read: BootTime,
    read_again: bool,
}

impl Inbox {
    pub(crate) fn new(now: BootTime) -> Self {
        Inbox {
            etag: None,
            arrived: None,
            judged: None,
            fetching: false,
            next_read: now,
            read_again: false,
        }
    }

    pub(crate) fn due(&self) -> Option<BootTime> {
        (!self.fetching).then_some(self.next_read)
    }

    pub(crate) fn read_now(&mut self, now: BootTime) {
        self.next_read = now;
        self.read_again = true;
    }

    /// Takes a request; what came twice is what came first. Says whether it
    /// waits for a read of the lease that is still to be sent.
    pub(crate) fn given(&mut self, request: ActivationRequest, wait: Wait) -> bool {
        let is_judged = self.judged == Some(request.id);
        let former = self.arrived.take();
        let repeated = former.filter(|former| former.request.id == request.id);
        let begins = repeated.is_none() && !is_judged;
        let wait = match repeated {
            Some(former) => former.wait,
            None => begins.then_some(wait),
        };
        self.arrived = Some(Arrived { request, wait });
        begins
    }

    /// The request that waits until the lease has been read.
    pub(crate) fn waiting(&self) -> Option<&ActivationRequest> {
        self.patience_ends().and(self.open())
    }

    /// The request that waits to be judged.
    pub(crate) fn open(&self) -> Option<&ActivationRequest> {
        let arrived = self.arrived.as_ref()?;
        (self.judged != Some(arrived.request.id)).then_some(&arrived.request)
    }

    /// Whether the open request may be judged; asked when it would be.
    pub(crate) fn look(&mut self, desk: &Desk, now: BootTime) -> Look {
        let Some(arrived) = &mut self.arrived else {
            return Look::NotYet;
        };
        let Some(wait) = &mut arrived.wait else {
            return Look::Fresh;
        };
        if desk.has_answered(wait.read) {
            arrived.wait = None;
            return Look::Fresh;
        }
        if wait.until.is_some_and(|until| now < until) {
            return Look::NotYet;
        }
        wait.until = None;
        Look::Silent
    }

    /// The last request that came, dealt with or not.
    pub(crate) fn last(&self) -> Option<&ActivationRequest> {
        self.arrived.as_ref().map(|arrived| &arrived.request)
    }

    /// When the open request has waited long enough for the store.
    pub(crate) fn patience_ends(&self) -> Option<BootTime> {
        self.open()?;
        self.arrived.as_ref()?.wait?.until
    }

    pub(crate) fn close(&mut self, id: RequestId) {
        self.judged = Some(id);
    }

    /// Says what was judged; the request, when it is to be acted on now.
    pub(crate) fn settle(
        &mut self,
        request: ActivationRequest,
        judgement: Judgement,
        out: &mut Vec<Action>,
    ) -> Option<ActivationRequest> {
        let id = request.id;
        let (step, accepted) = match judgement {
            Judgement::NotOurs => return None,
            Judgement::Answer(step) => (step, None),
            Judgement::Act { bound } => (Step::Accepted { bound }, Some(request)),
        };
        self.close(id);
        out.push(Action::Notify(Notice::Activation { id, step }));
        accepted
    }

    /// The request that the flag holds, when it is another than before.
    pub(crate) fn fetched(
        &mut self,
        moment: &Moment,
        fetched: ObjectFetched,
        out: &mut Vec<Action>,
    ) -> Option<ActivationRequest> {
        self.fetching = false;
        if self.read_again {
            self.next_read = moment.now;
        }
        let ObjectFetched::Found { etag, body } = fetched else {
            return None;
        };
        if self.etag.as_ref() == Some(&etag) {
            return None;
        }
        self.etag = Some(etag);
        match ActivationRequest::decode(&body) {
            Ok(request) => Some(request),
            Err(error) => {
                out.push(Action::Notify(Notice::ActivationUnusable(error)));
                None
            }
        }
    }

    pub(crate) fn drive(&mut self, moment: &Moment, every: Duration, out: &mut Vec<Action>) {
        if !self.fetching && self.next_read <= moment.now {
            self.fetching = true;
            self.read_again = false;
            self.next_read = moment.now + every;
            out.push(Action::FetchActivation {
                known: self.etag.clone(),
            });
        }
    }
}
