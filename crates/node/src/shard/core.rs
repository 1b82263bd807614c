//! What all sides of a shard share, whatever its state machine.

use super::answers::Unanswered;
use super::marks::Marks;
use super::scrub::{ScrubFacts, Stop};
use super::tail::Tail;
use crate::meters::ShardMeters;
use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use understudy_log::{Batch, OsDisk, ReaderFactory};
use understudy_protocol::shard::{Divergence, History, Offered};
use understudy_state::{StateDigest, StateMachine};
use understudy_types::{ByteCount, ChainHash, ClusterId, Epoch, Lsn, Position, ShardName};

/// The least that a batch on its way to the log is counted as: bounds their
/// number too.
const INTAKE_CHARGE_MIN: u32 = 4096;

pub(crate) struct ShardCore {
    pub(crate) cluster: ClusterId,
    pub(crate) name: ShardName,
    /// Where clients reach this shard here, as advertised.
    pub(crate) client_address: String,
    pub(crate) marks: Mutex<Marks>,
    /// Wakes the state thread.
    pub(crate) moved: Condvar,
    /// Wakes the senders and the reporters.
    pub(crate) changed: watch::Sender<()>,
    /// What the state has applied. Apart from `changed`, so that an applied
    /// batch wakes nobody who waits for a flush.
    pub(crate) applied: watch::Sender<Option<Lsn>>,
    pub(crate) tail: Tail,
    pub(crate) readers: ReaderFactory<OsDisk>,
    pub(crate) commands: Sender<LogCommand>,
    /// Bounds what lies between the stream and the log.
    pub(crate) intake_room: Arc<Semaphore>,
    pub(crate) unanswered: Unanswered,
    pub(crate) state: Mutex<StateFacts>,
    pub(crate) quarantined_records: AtomicU64,
    pub(crate) scrub: Mutex<ScrubFacts>,
    pub(crate) scrub_stop: Stop,
    pub(crate) meters: ShardMeters,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct StateFacts {
    pub(crate) digest: StateDigest,
    pub(crate) memory_bytes: u64,
}

impl StateFacts {
    pub(crate) fn of<S: StateMachine>(state: &S) -> Self {
        StateFacts {
            digest: state.digest(),
            memory_bytes: state.memory_bytes(),
        }
    }
}

/// What the log thread is asked besides the proposals, in order.
pub(crate) enum LogCommand {
    /// Store the next batch of the stream.
    Store {
        batch: Batch,
        room: OwnedSemaphorePermit,
    },
    /// A stream begins: forget a former failure, and say where the log ends.
    BeginIntake {
        reply: oneshot::Sender<Outline>,
    },
    /// Set aside what lies beyond `keep`, then cut it off.
    Cut {
        keep: Option<Position>,
        reason: String,
        reply: oneshot::Sender<Result<Outline, String>>,
    },
    /// Answer when all that came before is done.
    Barrier {
        reply: oneshot::Sender<Option<Position>>,
    },
    Open {
        epoch: Epoch,
        lossy: bool,
        reply: oneshot::Sender<Opened>,
    },
    /// Write an audit record, if this node writes now and has room; answer
    /// where it stands.
    Audit {
        body: Vec<u8>,
        reply: oneshot::Sender<Option<(Epoch, Lsn)>>,
    },
    /// Take no more proposals; answer with the flushed end.
    Hold {
        reply: oneshot::Sender<Option<Position>>,
    },
    Resume,
    Close,
    Stop,
}

/// The log where a stream begins.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    pub(crate) history: History,
    pub(crate) head_hash: ChainHash,
    pub(crate) last_epoch: Option<Epoch>,
}

/// An epoch's first batch is flushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// The end of what was there before.
    pub(crate) fork: Option<Position>,
}

/// A batch as an intake judges it.
pub(crate) fn offered(batch: &Batch) -> Offered {
    Offered {
        epoch: batch.epoch(),
        first_lsn: batch.first_lsn(),
        previous: batch.previous(),
        position: batch.position(),
    }
}

impl ShardCore {
    /// Changes the watermarks and tells everybody.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        let result = change(&mut self.marks.lock());
        self.announce();
        result
    }

    pub(crate) fn announce(&self) {
        self.moved.notify_all();
        self.changed.send_replace(());
    }

    /// Waits until `look` finds something in the watermarks; `None` when the
    /// node ends first. Cancel-safe.
    pub(crate) async fn wait_until<T>(&self, look: impl Fn(&Marks) -> Option<T>) -> Option<T> {
        let mut changed = self.changed.subscribe();
        let mut applied = self.applied.subscribe();
        loop {
            // Before the look: what moves in between is not missed.
            changed.borrow_and_update();
            applied.borrow_and_update();
            {
                let marks = self.marks.lock();
                if let Some(found) = look(&marks) {
                    return Some(found);
                }
                if marks.stopping {
                    return None;
                }
            }
            tokio::select! {
                moved = changed.changed() => moved.ok()?,
                moved = applied.changed() => moved.ok()?,
            }
        }
    }

    pub(crate) fn command(&self, command: LogCommand) {
        // Fails only when the log thread has ended, and the node with it.
        let _ = self.commands.send(command);
    }

    /// Hands the next batch of a stream to the log, once there is room for it
    /// within `intake_memory`.
    pub(crate) async fn store(&self, batch: Batch, intake_memory: ByteCount) {
        // What is asked for at once can never be more than there is.
        let intake_max = u32::try_from(intake_memory.get()).unwrap_or(u32::MAX);
        let charge = u32::try_from(batch.bytes().len()).expect("a batch is below 64 MiB");
        let charge = charge.max(INTAKE_CHARGE_MIN).min(intake_max);
        let room = Arc::clone(&self.intake_room);
        let room = room
            .acquire_many_owned(charge)
            .await
            .expect("the semaphore is never closed");
        self.command(LogCommand::Store { batch, room });
    }

    /// Asks the log thread, and waits for its answer; `None` when it ended.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> LogCommand,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.command(command(reply));
        answer.await.ok()
    }

    /// Says that this node's state is not the primary's, once.
    pub(crate) fn tell_divergence(&self, divergence: Option<Divergence>) {
        if let Some(divergence) = divergence {
            tracing::error!(
                shard = %self.name, lsn = %divergence.lsn,
                here = %divergence.here, primary = %divergence.there,
                "the state DIVERGED from the primary's: this node will not be promoted until its state is made anew (understudy rebuild)"
            );
        }
    }

    pub(crate) fn flushed(&self) -> Option<Position> {
        self.marks.lock().flushed
    }
}
