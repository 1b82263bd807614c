use crate::access::{Access, Guest};
use crate::acts::Acts;
use crate::live::{LagRing, Sample, Shared};
use crate::{Cluster, NodeAnswer, Receipts, Subject, Tokens};
use futures::future::join;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use understudy_node::BootClock;
use understudy_node::receipts;
use understudy_node::status::{Receipt, Status};
use understudy_types::{BootTime, Clock};

/// Pages that may be open at once, of people who signed in and of others.
const LISTENERS_MAX: usize = 64;

/// Other nodes are asked about twice a second at most, whoever asks here.
const OTHERS_AGE_MAX: Duration = Duration::from_millis(500);

/// What the nodes' disks hold, or why this node's cannot be read.
pub(crate) type SharedReceipts = Arc<Result<Receipts, String>>;

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
    others: Shared<Vec<NodeAnswer>>,
    receipts: Shared<SharedReceipts>,
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
            others: Shared::new(OTHERS_AGE_MAX),
            // A receipt is there for whoever asks after it was written.
            receipts: Shared::new(Duration::ZERO),
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

    /// From now on these people may look and act. Whoever came by a token that
    /// is not among them has to go.
    pub fn take_tokens(&self, tokens: Tokens) {
        self.inner.access.take(tokens);
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

    /// What the other nodes say, one round for all who ask at once.
    pub(crate) async fn ask_others(&self, own: &Status) -> Vec<NodeAnswer> {
        let asking = async { self.inner.cluster.others(own).await };
        let (asked, answers) = self.inner.others.get(&BootClock, asking).await;
        aged(answers, asked, BootClock.now())
    }

    /// What the other nodes said last, with its age.
    pub(crate) fn others_heard(&self, now: BootTime) -> Vec<NodeAnswer> {
        let last = self.inner.others.last();
        last.map_or_else(Vec::new, |(asked, answers)| aged(answers, asked, now))
    }

    /// Those of this node, and of the others that answer, by epoch. Takes one
    /// thread and one round at a time, whoever asks: whoever comes during a
    /// round waits for its end and for one more.
    pub(crate) async fn receipts(&self) -> SharedReceipts {
        let subject = self.inner.subject.clone();
        let reading = async move {
            let own = subject.status();
            let read = tokio::task::spawn_blocking(move || subject.receipts());
            let (read, others) = join(read, self.inner.cluster.receipts(&own)).await;
            let read = read.map_err(|error| error.to_string()).flatten();
            Arc::new(read.map(|receipts| merged(receipts, others)))
        };
        self.inner.receipts.get(&BootClock, reading).await.1
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
    pub(crate) fn take_place(&self, guest: &Guest) -> Option<OwnedSemaphorePermit> {
        let places = match guest.signed_in {
            true => &self.inner.places_of_people,
            false => &self.inner.places,
        };
        Arc::clone(places).try_acquire_owned().ok()
    }
}

fn aged(mut answers: Vec<NodeAnswer>, asked: BootTime, now: BootTime) -> Vec<NodeAnswer> {
    for answer in &mut answers {
        answer.seconds_ago = now.since(asked).as_secs_f64();
    }
    answers
}

fn merged(own: Vec<Receipt>, others: Receipts) -> Receipts {
    let Receipts { mut found, silent } = others;
    found.extend(own);
    // A node may be known by two addresses.
    receipts::put_in_order(&mut found);
    Receipts { found, silent }
}
