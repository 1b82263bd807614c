//! Commands that have a place in the log and wait for their answer.

use crate::handle::{Applied, ProposeError};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use understudy_state::StateMachine;
use understudy_types::{Epoch, Lsn};

/// An answer on its way to the client's task. While it lives the command
/// counts as unanswered, so that a hand-over can wait for it.
pub(crate) struct Delivered<R> {
    pub(crate) applied: Applied<R>,
    pub(crate) place: Place,
}

pub(crate) type Answer<S> =
    oneshot::Sender<Result<Delivered<<S as StateMachine>::Response>, ProposeError>>;

/// How many commands have a place and no answer yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    pub(crate) fn place(&self) -> Place {
        self.0.fetch_add(1, Ordering::AcqRel);
        Place(Arc::clone(&self.0))
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// One command's place; given back when it drops.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(crate) struct Pending<S: StateMachine> {
    pub(crate) answer: Answer<S>,
    pub(crate) place: Place,
    pub(crate) room: OwnedSemaphorePermit,
}

/// The pending answers of one batch, one for each of its records.
pub(crate) struct PendingBatch<S: StateMachine> {
    pub(crate) first_lsn: Lsn,
    pub(crate) epoch: Epoch,
    pub(crate) answers: Vec<Pending<S>>,
}

/// Filled by the log thread before a batch counts as flushed, emptied by the
/// state thread in the same order.
pub(crate) struct Answers<S: StateMachine> {
    batches: Mutex<VecDeque<PendingBatch<S>>>,
}

impl<S: StateMachine> Answers<S> {
    pub(crate) fn new() -> Self {
        Answers {
            batches: Mutex::new(VecDeque::new()),
        }
    }

    pub(crate) fn push(&self, batch: PendingBatch<S>) {
        self.batches.lock().push_back(batch);
    }

    /// The answers that wait for the batch of `epoch` that begins at
    /// `first_lsn`, if this node gave that batch its place.
    pub(crate) fn take(&self, first_lsn: Lsn, epoch: Epoch) -> Option<PendingBatch<S>> {
        let mut batches = self.batches.lock();
        let due = batches
            .front()
            .is_some_and(|b| b.first_lsn == first_lsn && b.epoch == epoch);
        if due { batches.pop_front() } else { None }
    }

    /// Drops what waits: the outcome of those commands is unknown here.
    pub(crate) fn forget(&self) {
        self.batches.lock().clear();
    }
}

/// Commands answered together: one hand-over from the state thread to the
/// runtime, where waking the clients' tasks is cheap.
pub(crate) type AnsweredBatch<S> = Vec<(Answer<S>, Delivered<<S as StateMachine>::Response>)>;

/// Batches of answers on their way to the runtime.
const ANSWERED_MAX: usize = 64;

/// Starts the task that delivers answers; it ends with the sender.
pub(crate) fn deliver<S: StateMachine>(
    runtime: &tokio::runtime::Handle,
) -> mpsc::Sender<AnsweredBatch<S>> {
    let (sender, mut batches) = mpsc::channel::<AnsweredBatch<S>>(ANSWERED_MAX);
    runtime.spawn(async move {
        while let Some(batch) = batches.recv().await {
            for (answer, delivered) in batch {
                // A client that has gone does not want its answer.
                let _ = answer.send(Ok(delivered));
            }
        }
    });
    sender
}
