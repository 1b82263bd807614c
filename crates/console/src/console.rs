use crate::access::{Access, Person};
use crate::acts::Acts;
use crate::live::{LagRing, Sample};
use crate::{Cluster, NodeAnswer, Subject, Tokens};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use understudy_node::status::Status;
use understudy_types::BootTime;

/// Pages that may be open at once, of people who signed in and of others.
const LISTENERS_MAX: usize = 64;

/// The state behind all routes. Clones share it.
pub struct Console<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    subject: S,
    /// This node's replication address, as others know it.
    endpoint: String,
    cluster: Arc<dyn Cluster>,
    ring: Mutex<LagRing>,
    /// What the other nodes said, and when they were asked.
    others: Mutex<Option<(BootTime, Vec<NodeAnswer>)>>,
    statuses: watch::Sender<Arc<str>>,
    places: Arc<Semaphore>,
    places_of_people: Arc<Semaphore>,
    access: Access,
    acts: Acts,
    stopped: CancellationToken,
}

impl<S> Clone for Console<S> {
    fn clone(&self) -> Self {
        Console {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S> std::fmt::Debug for Console<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl<S: Subject> Console<S> {
    /// `endpoint` is the node's advertised replication address.
    pub fn new(subject: S, endpoint: String, cluster: Arc<dyn Cluster>, tokens: Tokens) -> Self {
        let access = Access::new(tokens, subject.status().node.as_str());
        let inner = Inner {
            subject,
            endpoint,
            cluster,
            ring: Mutex::default(),
            others: Mutex::default(),
            statuses: watch::Sender::new(Arc::from("")),
            places: Arc::new(Semaphore::new(LISTENERS_MAX)),
            places_of_people: Arc::new(Semaphore::new(LISTENERS_MAX)),
            access,
            acts: Acts::new(),
            stopped: CancellationToken::new(),
        };
        Console {
            inner: Arc::new(inner),
        }
    }

    /// Notes a status of this node, as of a moment, for the chart of the lag.
    pub fn note(&self, status: &Status, at: BootTime) {
        self.inner.ring.lock().note(Sample::of(status, at));
    }

    pub(crate) fn subject(&self) -> &S {
        &self.inner.subject
    }

    pub(crate) fn cluster(&self) -> &dyn Cluster {
        &*self.inner.cluster
    }

    pub(crate) fn access(&self) -> &Access {
        &self.inner.access
    }

    pub(crate) fn acts(&self) -> &Acts {
        &self.inner.acts
    }

    pub(crate) fn ring(&self) -> &Mutex<LagRing> {
        &self.inner.ring
    }

    /// Cancelled when the console ends; open pages are told so.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.inner.stopped.clone()
    }

    pub(crate) fn own_answer(&self, status: Status) -> NodeAnswer {
        NodeAnswer {
            endpoint: self.inner.endpoint.clone(),
            status: Some(status),
            error: None,
            seconds_ago: 0.0,
        }
    }

    pub(crate) fn note_others(&self, asked: BootTime, answers: Vec<NodeAnswer>) {
        *self.inner.others.lock() = Some((asked, answers));
    }

    /// What the other nodes said last, with its age.
    pub(crate) fn others_heard(&self, now: BootTime) -> Vec<NodeAnswer> {
        let others = self.inner.others.lock();
        let Some((asked, answers)) = &*others else {
            return Vec::new();
        };
        let seconds_ago = now.since(*asked).as_secs_f64();
        let aged = |answer: &NodeAnswer| NodeAnswer {
            seconds_ago,
            ..answer.clone()
        };
        answers.iter().map(aged).collect()
    }

    pub(crate) fn tell(&self, event: Arc<str>) {
        self.inner.statuses.send_replace(event);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Arc<str>> {
        self.inner.statuses.subscribe()
    }

    pub(crate) fn listeners(&self) -> usize {
        self.inner.statuses.receiver_count()
    }

    /// One page's place; free again when it is dropped. Whoever signed in has
    /// places of their own, which nobody else can fill.
    pub(crate) fn take_place(&self, signed_in: Option<&Person>) -> Option<OwnedSemaphorePermit> {
        let places = match signed_in {
            Some(_) => &self.inner.places_of_people,
            None => &self.inner.places,
        };
        Arc::clone(places).try_acquire_owned().ok()
    }
}
