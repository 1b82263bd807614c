//! Commands that have a place in the log and wait for their answer.

use crate::handle::{Applied, ProposeError, Refusal};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use understudy_state::StateMachine;
use understudy_types::{Epoch, Lsn};

/// An answer on its way to the client's task. While it lives the command
/// counts as unanswered, so that a hand-over can wait for it.
pub(crate) struct Delivered<R> {
    pub(crate) applied: Applied<R>,
    pub(crate) place: Place,
}

type Outcome<S> = Result<Delivered<<S as StateMachine>::Response>, ProposeError>;

/// The way back to one client's task.
pub(crate) struct Answer<S: StateMachine> {
    outcome: oneshot::Sender<Outcome<S>>,
    lane: Lane<S>,
}

impl<S: StateMachine> Answer<S> {
    pub(crate) fn new(lane: Lane<S>) -> (Self, oneshot::Receiver<Outcome<S>>) {
        let (outcome, receiver) = oneshot::channel();
        (Answer { outcome, lane }, receiver)
    }

    /// Nothing happened, and nothing will.
    pub(crate) fn refuse(self, refusal: Refusal) {
        // A client that has gone does not want its answer.
        let _ = self.outcome.send(Err(ProposeError::NotAccepted(refusal)));
    }
}

/// How many commands have a place and no answer yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unanswered(Arc<Places>);

#[derive(Debug, Default)]
struct Places {
    taken: AtomicUsize,
    /// Told when the last one is given back.
    free: Notify,
}

impl Unanswered {
    pub(crate) fn place(&self) -> Place {
        self.0.taken.fetch_add(1, Ordering::AcqRel);
        Place(Arc::clone(&self.0))
    }

    /// Waits until everything that has a place is answered. Cancel-safe.
    pub(crate) async fn none(&self) {
        loop {
            let mut freed = pin!(self.0.free.notified());
            // Before the look: what is freed in between is not missed.
            freed.as_mut().enable();
            if self.0.taken.load(Ordering::Acquire) == 0 {
                return;
            }
            freed.await;
        }
    }
}

/// One command's place; given back when it drops.
#[derive(Debug)]
pub(crate) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.taken.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.free.notify_waiters();
        }
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

/// An applied command with the way back to its client, and the room that it
/// takes in the queue until it is there.
struct Answered<S: StateMachine> {
    outcome: oneshot::Sender<Outcome<S>>,
    delivered: Delivered<S::Response>,
    room: OwnedSemaphorePermit,
}

/// Leads to a task that delivers answers on one runtime. What is answered
/// together is handed over at once: waking the clients' tasks is cheap there,
/// and not from the state thread.
pub(crate) struct Lane<S: StateMachine>(mpsc::Sender<Vec<Answered<S>>>);

impl<S: StateMachine> Clone for Lane<S> {
    fn clone(&self) -> Self {
        Lane(self.0.clone())
    }
}

impl<S: StateMachine> Lane<S> {
    /// Starts the task; it ends with the last grip on the lane. `commands_max`
    /// is how many commands the shard's queue has under way at once: each has
    /// its room until its answer was delivered.
    pub(crate) fn on(runtime: &tokio::runtime::Handle, commands_max: usize) -> Self {
        let (sender, mut batches) = mpsc::channel::<Vec<Answered<S>>>(commands_max);
        runtime.spawn(async move {
            while let Some(batch) = batches.recv().await {
                for answered in batch {
                    // A client that has gone does not want its answer.
                    let _ = answered.outcome.send(Ok(answered.delivered));
                    drop(answered.room);
                }
            }
        });
        Lane(sender)
    }
}

/// The answers of one batch, sorted by their lanes.
pub(crate) struct Delivery<S: StateMachine>(Vec<(Lane<S>, Vec<Answered<S>>)>);

impl<S: StateMachine> Delivery<S> {
    pub(crate) fn new() -> Self {
        Delivery(Vec::new())
    }

    pub(crate) fn add(&mut self, pending: Pending<S>, applied: Applied<S::Response>) {
        let Pending {
            answer: Answer { outcome, lane },
            place,
            room,
        } = pending;
        let answered = Answered {
            outcome,
            delivered: Delivered { applied, place },
            room,
        };
        match self
            .0
            .iter_mut()
            .find(|(known, _)| known.0.same_channel(&lane.0))
        {
            Some((_, batch)) => batch.push(answered),
            None => self.0.push((lane, vec![answered])),
        }
    }

    pub(crate) fn send(self) {
        for (lane, batch) in self.0 {
            match lane.0.try_send(batch) {
                Ok(()) => {}
                // The runtime is gone, and the clients with it.
                Err(TrySendError::Closed(_)) => {}
                Err(TrySendError::Full(_)) => unreachable!("the commands' room bounds the number"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unanswered;
    use futures::poll;
    use std::pin::pin;

    #[tokio::test]
    async fn last_place_that_is_given_back_wakes_who_waits_for_none() {
        let unanswered = Unanswered::default();
        let (one, other) = (unanswered.place(), unanswered.place());
        let mut none = pin!(unanswered.none());
        assert!(poll!(none.as_mut()).is_pending());
        drop(one);
        assert!(poll!(none.as_mut()).is_pending());
        drop(other);
        assert!(poll!(none.as_mut()).is_ready());
        assert!(poll!(pin!(unanswered.none())).is_ready());
    }
}
