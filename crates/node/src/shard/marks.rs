//! A shard's watermarks: `flushed ≥ committed ≥ applied`, and what moves them.

use std::collections::BTreeSet;
use std::time::Duration;
use understudy_protocol::StandbyId;
use understudy_protocol::fallback::SlotNumber;
use understudy_protocol::shard::{
    CommitTracker, DIGESTS_KEPT, Divergence, History, Requirement, StateComparison,
};
use understudy_types::{BootTime, Epoch, Lsn, Position, StateAt};

/// What a heartbeat will say, taken by the log thread at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) sequence: u64,
    pub(crate) flushed: Option<Position>,
    pub(crate) committed: Option<Lsn>,
    pub(crate) bytes: u64,
    /// The state that this node has applied.
    pub(crate) state: Option<StateAt>,
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
    /// While slots are filled: what is in them, or need not be.
    stored: Option<Lsn>,
    /// The slot that is filled next, while one is and it is known.
    pub(crate) free_slot: Option<SlotNumber>,
    /// The epoch that this node writes and sends.
    pub(crate) open: Option<OpenEpoch>,
    /// The last epoch that ended here, and where: said to the standbys.
    pub(crate) ended: Option<(Epoch, Option<Position>)>,
    /// Digests of this node's state, and how they compare with the primary's.
    pub(crate) comparison: StateComparison,
    /// How often the state had to be made anew from the log: it was cut below
    /// what is applied, or an operator asked. And how much of that is done.
    rebuilds_asked: u64,
    rebuilds_done: u64,
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
    /// A log as recovered, and the state that was made of it.
    pub(crate) fn recovered(history: History, bytes: u64, state: Option<StateAt>) -> Marks {
        let applied = state.map(|state| state.lsn);
        Marks {
            flushed: history.head,
            flushed_bytes: bytes,
            committed: applied,
            primary_committed: None,
            applied,
            history,
            beat: None,
            requirement: Requirement::AllOf(BTreeSet::new()),
            stored: None,
            free_slot: None,
            open: None,
            ended: None,
            comparison: StateComparison::new(DIGESTS_KEPT, state),
            rebuilds_asked: 0,
            rebuilds_done: 0,
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
        let mut tracker = CommitTracker::new(self.requirement.clone(), flushed, self.committed);
        tracker.stored(self.stored);
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

    /// Slots are filled from here on; what the base covers needs none.
    pub(crate) fn begin_filling(&mut self, base: Option<Lsn>) {
        self.stored = None;
        self.free_slot = None;
        self.note_stored(base, None);
    }

    /// What the slots hold, or need not; of use only while `free_slot` is known.
    pub(crate) fn stored(&self) -> Option<Lsn> {
        self.stored
    }

    /// The slots before `free` hold everything up to `stored`.
    pub(crate) fn note_stored(&mut self, stored: Option<Lsn>, free: Option<SlotNumber>) {
        self.stored = self.stored.max(stored);
        self.free_slot = free;
        if let Some(open) = &mut self.open {
            open.tracker.stored(self.stored);
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
        self.comparison.cut(kept);
        // One that is under way may have read what is cut off now.
        if self.applied > kept || self.needs_rebuild() {
            self.ask_rebuild();
        }
    }

    /// A batch is in the state. Returns the first difference from the
    /// primary's state when this shows it.
    pub(crate) fn note_applied(&mut self, state: StateAt) -> Option<Divergence> {
        self.applied = Some(state.lsn);
        if self.needs_rebuild() {
            return None;
        }
        if self.applied > self.committed {
            // The log was cut while the batch was being applied.
            self.ask_rebuild();
            return None;
        }
        self.comparison.applied(state)
    }

    /// The state must be made anew. Returns the number that [`Self::is_rebuilt`]
    /// takes.
    pub(crate) fn ask_rebuild(&mut self) -> u64 {
        self.rebuilds_asked += 1;
        self.rebuilds_asked
    }

    pub(crate) fn needs_rebuild(&self) -> bool {
        self.rebuilds_asked > self.rebuilds_done
    }

    pub(crate) fn rebuilds_asked(&self) -> u64 {
        self.rebuilds_asked
    }

    pub(crate) fn is_rebuilt(&self, number: u64) -> bool {
        self.rebuilds_done >= number
    }

    /// The state was made anew, for all that was asked up to `number`.
    pub(crate) fn rebuilt(&mut self, number: u64, state: Option<StateAt>) {
        self.rebuilds_done = number;
        self.applied = state.map(|state| state.lsn);
        self.comparison.made_anew(state);
        self.check();
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
            self.needs_rebuild() || self.applied <= self.committed,
            "nothing is applied that is not committed"
        );
    }
}

/// How long a log thread waits for something to do before the next beat.
pub(crate) fn until(due: BootTime, now: BootTime) -> Duration {
    due.since(now)
}

#[cfg(test)]
mod tests {
    use super::Marks;
    use understudy_protocol::shard::History;
    use understudy_types::{ChainHash, Lsn, Position, StateAt, StateDigest};

    fn position(lsn: u64) -> Position {
        let hash = ChainHash::from_bytes([lsn as u8; 32]);
        let lsn = Lsn::new(lsn).unwrap();
        Position { lsn, hash }
    }

    fn state(lsn: u64) -> StateAt {
        let digest = StateDigest([lsn as u8; 32]);
        let lsn = Lsn::new(lsn).unwrap();
        StateAt { lsn, digest }
    }

    fn cut(marks: &mut Marks, keep: u64) {
        marks.cut(Some(position(keep)), 0, History::default());
    }

    /// A standby that has flushed 9, and applied it.
    fn standby() -> Marks {
        let history = History {
            head: Some(position(9)),
            ..History::default()
        };
        Marks::recovered(history, 0, Some(state(9)))
    }

    #[test]
    fn cut_below_what_is_applied_needs_a_new_state() {
        let mut marks = standby();
        cut(&mut marks, 9);
        assert!(!marks.needs_rebuild());
        cut(&mut marks, 8);
        assert!(marks.needs_rebuild());
        marks.rebuilt(marks.rebuilds_asked(), Some(state(8)));
        assert!(!marks.needs_rebuild());
        assert_eq!(marks.comparison.newest(), Some(state(8)));
    }

    #[test]
    fn cut_during_a_rebuild_needs_another_one_even_when_the_log_has_grown_again() {
        let mut marks = standby();
        cut(&mut marks, 8);
        let number = marks.rebuilds_asked();
        cut(&mut marks, 4);
        marks.flushed_as_standby(position(8), 0, Some(position(8).lsn));
        marks.rebuilt(number, Some(state(8)));
        assert!(marks.needs_rebuild());
        assert!(!marks.is_rebuilt(marks.rebuilds_asked()));
    }

    #[test]
    fn batch_that_was_cut_off_while_it_was_applied_needs_a_new_state() {
        let mut marks = Marks::recovered(History::default(), 0, None);
        marks.flushed_as_standby(position(9), 0, Some(position(9).lsn));
        cut(&mut marks, 4);
        assert!(!marks.needs_rebuild());
        assert_eq!(marks.note_applied(state(9)), None);
        assert!(marks.needs_rebuild());
        assert_eq!(marks.comparison.newest(), None, "not a state of this log");
    }
}
