//! The activation flag as this node sees it: fetched like the lease, judged
//! once.

use super::activate::Judgement;
use super::event::{Action, Moment, Notice, ObjectFetched, Step};
use crate::activation::{ActivationRequest, RequestId};
use crate::lease::ETag;
use std::time::Duration;
use understudy_types::BootTime;

#[derive(Debug)]
pub(crate) struct Inbox {
    etag: Option<ETag>,
    request: Option<ActivationRequest>,
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
            request: None,
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

    pub(crate) fn given(&mut self, request: ActivationRequest) {
        self.request = Some(request);
    }

    /// The request that waits to be judged.
    pub(crate) fn open(&self) -> Option<&ActivationRequest> {
        self.request
            .as_ref()
            .filter(|request| self.judged != Some(request.id))
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

    pub(crate) fn fetched(
        &mut self,
        moment: &Moment,
        fetched: ObjectFetched,
        out: &mut Vec<Action>,
    ) {
        self.fetching = false;
        if self.read_again {
            self.next_read = moment.now;
        }
        let ObjectFetched::Found { etag, body } = fetched else {
            return;
        };
        if self.etag.as_ref() == Some(&etag) {
            return;
        }
        self.etag = Some(etag);
        match ActivationRequest::decode(&body) {
            Ok(request) => self.request = Some(request),
            Err(error) => out.push(Action::Notify(Notice::ActivationUnusable(error))),
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
