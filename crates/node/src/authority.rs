//! The right to answer: which epoch this node serves, and until when.
//!
//! The role's owner publishes it; whoever sends an acknowledgement or a
//! linearizable read asks it last, after the flush and before the reply.

use crate::handle::Refusal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_types::{BootTime, Clock, Epoch};

/// Written by one owner, read by all who answer clients.
pub(crate) struct Authority {
    /// The epoch that serves, 0 while none does.
    epoch: AtomicU64,
    /// `CLOCK_BOOTTIME` in nanoseconds from which on this node is silent.
    deadline: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Authority {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Authority {
            epoch: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            clock,
        }
    }

    /// Opens an epoch, or moves the deadline of the one that is open.
    pub(crate) fn grant(&self, epoch: Epoch, deadline: BootTime) {
        // The deadline first: whoever sees the epoch must not meet the
        // deadline of a former one that was later.
        self.deadline.store(deadline.as_nanos(), Ordering::SeqCst);
        self.epoch.store(epoch.get(), Ordering::SeqCst);
    }

    pub(crate) fn revoke(&self) {
        self.epoch.store(0, Ordering::SeqCst);
        self.deadline.store(0, Ordering::SeqCst);
    }

    /// The epoch that may answer now.
    pub(crate) fn serving(&self) -> Result<Epoch, Refusal> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        if epoch == 0 {
            return Err(Refusal::NotPrimary);
        }
        let deadline = self.deadline.load(Ordering::SeqCst);
        if self.epoch.load(Ordering::SeqCst) != epoch {
            // The role changed between the two loads: the deadline may belong
            // to another epoch.
            return Err(Refusal::NotPrimary);
        }
        if self.clock.now().as_nanos() >= deadline {
            return Err(Refusal::LeaseLapsed);
        }
        Ok(Epoch::new(epoch))
    }

    /// Whether an answer of `epoch` may leave now.
    pub(crate) fn confirm(&self, epoch: Epoch) -> Result<(), Refusal> {
        match self.serving()? {
            serving if serving == epoch => Ok(()),
            _ => Err(Refusal::NotPrimary),
        }
    }
}
