//! A shard's watermarks: `flushed ≥ committed ≥ applied`, and what moves them.

use std::collections::BTreeSet;
use std::time::Duration;
use understudy_protocol::StandbyId;
use understudy_protocol::shard::{CommitTracker, History, Requirement};
use understudy_types::{BootTime, Epoch, Lsn, Position};

/// What a heartbeat will say, taken by the log thread at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) sequence: u64,
    pub(crate) flushed: Option<Position>,
    pub(crate) committed: Option<Lsn>,
    pub(crate) bytes: u64,
    pub(crate) made_at: BootTime,
}

/// Guarded by the shard's lock; every change is announced by the shard.
#[derive(Debug)]
pub(crate) struct Marks {
    pub(crate) flushed: Option<Position>,
    /// Canonical bytes up to `flushed`.
    pub(crate) flushed_bytes: u64,
    pub(crate) committed: Option<Lsn>,
    /// A standby's word from its primary; may be ahead of what is flushed.
    primary_committed: Option<Lsn>,
    pub(crate) applied: Option<Lsn>,
    /// The log in outline, as standbys are compared with.
    pub(crate) history: History,
    pub(crate) beat: Option<Beat>,
    /// Whose flush counts in the open epoch, or in the next one.
    requirement: Requirement,
    /// The epoch that this node writes and sends.
    pub(crate) open: Option<OpenEpoch>,
    /// The last epoch that ended here, and where: said to the standbys.
    pub(crate) ended: Option<(Epoch, Option<Position>)>,
    /// The log was cut below what is applied: the state must be made anew.
    pub(crate) rebuild: bool,
    /// Why the stream's batches are not stored, until a stream begins anew.
    pub(crate) intake_failure: Option<String>,
    pub(crate) stopping: bool,
}

#[derive(Debug)]
pub(crate) struct OpenEpoch {
    pub(crate) epoch: Epoch,
    tracker: CommitTracker,
}

impl Marks {
    /// A log as recovered, of which the state has applied up to `applied`.
    pub(crate) fn recovered(history: History, bytes: u64, applied: Option<Lsn>) -> Marks {
        Marks {
            flushed: history.head,
            flushed_bytes: bytes,
            committed: applied,
            primary_committed: None,
            applied,
            history,
            beat: None,
            requirement: Requirement::AllOf(BTreeSet::new()),
            open: None,
            ended: None,
            rebuild: false,
            intake_failure: None,
            stopping: false,
        }
    }

    /// A primary's batch is flushed.
    pub(crate) fn flushed_as_primary(&mut self, position: Position, bytes: u64) {
        self.set_flushed(position, bytes);
        let open = self.open.as_mut().expect("only an open epoch writes");
        open.tracker.flushed(position.lsn);
        self.committed = self.committed.max(open.tracker.committed());
        self.check();
    }

    /// A standby's batch is flushed; its header says what was committed.
    pub(crate) fn flushed_as_standby(
        &mut self,
        position: Position,
        bytes: u64,
        committed: Option<Lsn>,
    ) {
        self.set_flushed(position, bytes);
        self.note_committed(committed);
    }

    /// The primary says that this much is committed; here it counts as far
    /// as it is flushed.
    pub(crate) fn note_committed(&mut self, committed: Option<Lsn>) {
        self.primary_committed = self.primary_committed.max(committed);
        let flushed = self.flushed.map(|position| position.lsn);
        self.committed = self.committed.max(self.primary_committed.min(flushed));
        self.check();
    }

    fn set_flushed(&mut self, position: Position, bytes: u64) {
        assert!(
            Some(position.lsn) > self.flushed.map(|p| p.lsn),
            "flushed never goes back"
        );
        self.flushed = Some(position);
        self.flushed_bytes = bytes;
        self.history.head = Some(position);
    }

    /// Begins an epoch on what is flushed.
    pub(crate) fn open(&mut self, epoch: Epoch) {
        let flushed = self.flushed.map(|position| position.lsn);
        let tracker = CommitTracker::new(self.requirement.clone(), flushed, self.committed);
        self.committed = self.committed.max(tracker.committed());
        self.open = Some(OpenEpoch { epoch, tracker });
        self.primary_committed = None;
        self.ended = None;
        self.check();
    }

    pub(crate) fn require(&mut self, requirement: Requirement) {
        self.requirement = requirement.clone();
        if let Some(open) = &mut self.open {
            open.tracker.require(requirement);
            self.committed = self.committed.max(open.tracker.committed());
        }
    }

    pub(crate) fn peer_flushed(&mut self, epoch: Epoch, peer: &StandbyId, upto: Option<Lsn>) {
        if let Some(open) = &mut self.open
            && open.epoch == epoch
        {
            open.tracker.peer_flushed(peer, upto);
            self.committed = self.committed.max(open.tracker.committed());
        }
    }

    /// The log now ends at `keep`.
    pub(crate) fn cut(&mut self, keep: Option<Position>, bytes: u64, history: History) {
        let kept = keep.map(|position| position.lsn);
        self.flushed = keep;
        self.flushed_bytes = bytes;
        self.history = history;
        self.committed = self.committed.min(kept);
        self.primary_committed = None;
        self.rebuild |= self.applied > kept;
    }

    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.open.as_ref().map(|open| open.epoch)
    }

    fn check(&self) {
        assert!(
            self.committed <= self.flushed.map(|position| position.lsn),
            "nothing is committed that is not flushed"
        );
        assert!(
            self.rebuild || self.applied <= self.committed,
            "nothing is applied that is not committed"
        );
    }
}

/// How long a log thread waits for something to do before the next beat.
pub(crate) fn until(due: BootTime, now: BootTime) -> Duration {
    due.since(now)
}
