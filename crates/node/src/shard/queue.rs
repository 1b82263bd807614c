//! The bounded way in: proposals wait here for their place in the log.

use super::answers::Answer;
use crate::handle::{ProposeError, Refusal};
use crate::settings::Limits;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use understudy_state::StateMachine;

/// One command on its way, with the room that it takes until it is answered.
pub(crate) struct Proposal<S: StateMachine> {
    pub(crate) command: Bytes,
    pub(crate) answer: Answer<S>,
    pub(crate) room: OwnedSemaphorePermit,
}

/// The sending side of a shard's queue. Commands under way are bounded in
/// bytes, and by the least charge of a command also in number.
pub(crate) struct ProposalQueue<S: StateMachine> {
    sender: Sender<Proposal<S>>,
    room: Arc<Semaphore>,
    charge_min: usize,
    commands_max: usize,
    command_bytes_max: usize,
}

impl<S: StateMachine> ProposalQueue<S> {
    pub(crate) fn new(limits: &Limits) -> (Self, Receiver<Proposal<S>>) {
        let bytes_max = usize::try_from(limits.bytes_max.get()).expect("fits in memory");
        let (sender, receiver) = bounded(limits.commands_max);
        let queue = ProposalQueue {
            sender,
            room: Arc::new(Semaphore::new(bytes_max)),
            charge_min: bytes_max.div_ceil(limits.commands_max),
            commands_max: limits.commands_max,
            command_bytes_max: limits.command_bytes_max.get() as usize,
        };
        (queue, receiver)
    }

    /// How many commands may be under way at once.
    pub(crate) fn commands_max(&self) -> usize {
        self.commands_max
    }

    /// Waits for room. Cancel-safe: a dropped call has queued nothing.
    pub(crate) async fn push(&self, command: Bytes, answer: Answer<S>) -> Result<(), ProposeError> {
        if command.len() > self.command_bytes_max {
            return Err(ProposeError::NotAccepted(Refusal::TooLarge));
        }
        let charge = u32::try_from(command.len().max(self.charge_min)).expect("bounded above");
        let room = Arc::clone(&self.room);
        let room = room
            .acquire_many_owned(charge)
            .await
            .expect("the semaphore is never closed");
        match self.sender.try_send(Proposal {
            command,
            answer,
            room,
        }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => unreachable!("the charge bounds the number"),
            Err(TrySendError::Disconnected(_)) => {
                Err(ProposeError::NotAccepted(Refusal::ShuttingDown))
            }
        }
    }
}
