use super::pause::PauseMeter;
use crate::Stopwatch;
use parking_lot::Mutex;
use tokio::sync::watch;

/// What the writers of one run share.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) stopwatch: Stopwatch,
    pauses: Mutex<PauseMeter>,
    acked: watch::Sender<u64>,
    phase: watch::Sender<Phase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Writing,
    /// Attempts under way end; no further one starts.
    Stopping,
}

impl Progress {
    pub(super) fn new() -> Self {
        Progress {
            stopwatch: Stopwatch::start(),
            pauses: Mutex::default(),
            acked: watch::Sender::new(0),
            phase: watch::Sender::new(Phase::Writing),
        }
    }

    pub(super) fn note_acked(&self) {
        self.pauses.lock().observe(self.stopwatch.elapsed());
        self.acked.send_modify(|acked| *acked += 1);
    }

    pub(super) fn acked(&self) -> watch::Receiver<u64> {
        self.acked.subscribe()
    }

    pub(super) fn pauses(&self) -> PauseMeter {
        self.pauses.lock().clone()
    }

    pub(super) fn stop(&self) {
        self.phase.send_replace(Phase::Stopping);
    }

    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }
}
