//! A shard's watermarks: `flushed ≥ committed ≥ applied`, and what moves them.

use super::work::{Restoration, Restorations, Way, Work};
use std::collections::BTreeSet;
use std::time::Duration;
use understudy_protocol::StandbyId;
use understudy_protocol::fallback::SlotNumber;
use understudy_protocol::shard::{
    CommitTracker, Divergence, History, Requirement, StateComparison,
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

/// Records of the log that are in a new state, and how many there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaking {
    pub(crate) done: u64,
    pub(crate) total: u64,
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
    /// Canonical bytes up to `applied`.
    pub(crate) applied_bytes: u64,
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
    pub(crate) restorations: Restorations,
    /// How far a state is that is being made anew.
    pub(crate) remaking: Option<Remaking>,
    /// The state thread is on its way to here, and may have read so far.
    applying: Option<Lsn>,
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
    pub(crate) fn recovered(
        history: History,
        bytes: u64,
        applied_bytes: u64,
        comparison: StateComparison,
    ) -> Marks {
        let applied = comparison.newest().map(|state| state.lsn);
        Marks {
            flushed: history.head,
            flushed_bytes: bytes,
            committed: applied,
            primary_committed: None,
            applied,
            applied_bytes,
            history,
            beat: None,
            requirement: Requirement::AllOf(BTreeSet::new()),
            stored: None,
            free_slot: None,
            open: None,
            ended: None,
            comparison,
            restorations: Restorations::default(),
            remaking: None,
            applying: None,
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
        // A state that has more is rolled back to there, or made anew.
        self.applied_bytes = self.applied_bytes.min(bytes);
        // Work that is under way may have read what is cut off now.
        if self.applied.max(self.applying) > kept || self.needs_restoration() {
            let sound = kept.min(self.applied);
            self.restorations
                .ask(sound.map_or(Way::Anew, Way::RollBack));
        }
    }

    /// A batch of so many bytes is in the state. Returns the first difference
    /// from the primary's state when this shows it.
    pub(crate) fn note_applied(&mut self, state: StateAt, bytes: u64) -> Option<Divergence> {
        self.applied = Some(state.lsn);
        if self.needs_restoration() {
            return None;
        }
        self.applied_bytes += bytes;
        if self.applied == self.flushed.map(|position| position.lsn) {
            self.applied_bytes = self.flushed_bytes;
        }
        self.check();
        self.comparison.applied(state)
    }

    /// What the state thread is to do; `None` while there is nothing.
    pub(crate) fn next_work(&mut self) -> Option<Work> {
        self.applying = None;
        if self.stopping {
            return Some(Work::Stop);
        }
        if let Some(restoration) = self.restorations.due() {
            return Some(Work::Restore(restoration));
        }
        self.applying = self.committed.filter(|upto| Some(*upto) > self.applied);
        self.applying.map(Work::Apply)
    }

    /// The state must be made anew. Returns the number that [`Self::is_rebuilt`]
    /// takes.
    pub(crate) fn ask_rebuild(&mut self) -> u64 {
        self.restorations.ask(Way::Anew)
    }

    pub(crate) fn needs_restoration(&self) -> bool {
        self.restorations.due().is_some()
    }

    pub(crate) fn is_rebuilt(&self, number: u64) -> bool {
        self.restorations.is_done(number)
    }

    /// The state was made anew, of so many bytes.
    pub(crate) fn rebuilt(&mut self, restoration: Restoration, state: Option<StateAt>, bytes: u64) {
        self.restorations.done(restoration);
        self.remaking = None;
        self.applied = state.map(|state| state.lsn);
        self.applied_bytes = match self.needs_restoration() {
            true => self.applied_bytes.min(bytes),
            false => bytes,
        };
        self.comparison.made_anew(state);
        self.check();
    }

    /// What was applied after `kept` was taken back.
    pub(crate) fn rolled_back(&mut self, restoration: Restoration, kept: Lsn) {
        self.restorations.done(restoration);
        self.applied = Some(kept);
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
            self.needs_restoration() || self.applied <= self.committed,
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
    use super::{Marks, Restoration, Way, Work};
    use understudy_protocol::shard::{History, StateComparison};
    use understudy_types::{ChainHash, Lsn, Position, StateAt, StateDigest};

    fn lsn(lsn: u64) -> Lsn {
        Lsn::new(lsn).unwrap()
    }

    fn position(at: u64) -> Position {
        let hash = ChainHash::from_bytes([at as u8; 32]);
        Position { lsn: lsn(at), hash }
    }

    fn state(at: u64) -> StateAt {
        let digest = StateDigest([at as u8; 32]);
        StateAt {
            lsn: lsn(at),
            digest,
        }
    }

    fn cut(marks: &mut Marks, keep: u64) {
        marks.cut(Some(position(keep)), keep * 10, History::default());
    }

    /// A standby that has flushed 9, and applied it batch by batch.
    fn standby() -> Marks {
        let history = History {
            head: Some(position(9)),
            ..History::default()
        };
        let mut comparison = StateComparison::new(16, None);
        for at in 1..=9 {
            comparison.applied(state(at));
        }
        Marks::recovered(history, 90, 90, comparison)
    }

    fn restoration(marks: &mut Marks) -> Restoration {
        match marks.next_work() {
            Some(Work::Restore(restoration)) => restoration,
            other => panic!("{other:?} is no restoration"),
        }
    }

    #[test]
    fn cut_below_what_is_applied_is_rolled_back_to() {
        let mut marks = standby();
        cut(&mut marks, 9);
        assert_eq!(marks.next_work(), None);
        cut(&mut marks, 8);
        let due = restoration(&mut marks);
        assert_eq!(due.way, Way::RollBack(lsn(8)));
        assert_eq!(
            marks.comparison.newest(),
            Some(state(8)),
            "what it must be again"
        );
        marks.rolled_back(due, lsn(8));
        assert_eq!((marks.next_work(), marks.applied), (None, Some(lsn(8))));
        assert_eq!(marks.applied_bytes, 80);
    }

    #[test]
    fn cut_during_a_restoration_needs_another_one_even_when_the_log_has_grown_again() {
        let mut marks = standby();
        cut(&mut marks, 8);
        let first = restoration(&mut marks);
        cut(&mut marks, 4);
        marks.flushed_as_standby(position(8), 0, Some(lsn(8)));
        marks.rolled_back(first, lsn(8));
        assert!(!marks.is_rebuilt(2));
        let second = restoration(&mut marks);
        assert_eq!(second.way, Way::RollBack(lsn(4)));
        marks.rolled_back(second, lsn(4));
        assert_eq!(marks.next_work(), Some(Work::Apply(lsn(8))));
    }

    #[test]
    fn state_asked_for_anew_is_made_anew_whatever_was_cut() {
        let mut marks = standby();
        let number = marks.ask_rebuild();
        cut(&mut marks, 4);
        let due = restoration(&mut marks);
        assert_eq!(due.way, Way::Anew);
        marks.rebuilt(due, Some(state(4)), 40);
        assert!(marks.is_rebuilt(number));
        assert_eq!(marks.next_work(), None);
    }

    #[test]
    fn batch_that_was_cut_off_while_it_was_applied_is_taken_back() {
        let mut marks = standby();
        marks.flushed_as_standby(position(20), 0, Some(lsn(20)));
        assert_eq!(marks.next_work(), Some(Work::Apply(lsn(20))));
        cut(&mut marks, 12);
        // The new history is there before the old one's batch is applied.
        marks.flushed_as_standby(position(21), 0, Some(lsn(21)));
        assert_eq!(marks.note_applied(state(20), 110), None);
        assert_eq!(
            marks.comparison.newest(),
            Some(state(9)),
            "not a state of this log"
        );
        assert_eq!(restoration(&mut marks).way, Way::RollBack(lsn(9)));
    }

    #[test]
    fn cut_of_all_that_was_applied_makes_the_state_anew() {
        let mut marks = standby();
        marks.cut(None, 0, History::default());
        assert_eq!(restoration(&mut marks).way, Way::Anew);
    }
}
