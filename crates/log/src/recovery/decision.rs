//! The decision table of recovery.
//!
//! A write that a crash interrupted leaves 512-byte sectors of it behind,
//! any of them, and only in the last segment, because a segment is flushed
//! before the next one exists. Everything else is damage.

/// What stands where the next batch would begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Zeros up to the end of the segment.
    Blank,
    /// Zeros here, and something further on.
    Hole,
    /// Bytes that are not a batch.
    Damaged,
    /// A whole batch that does not follow what is before it.
    Unlinked,
    /// A whole batch that follows what is before it.
    Linked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentPlace {
    Last,
    Earlier,
}

/// What the rest of the segment says about a hole or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// No batch follows.
    Nothing,
    /// A batch follows, but it was written before this place was flushed,
    /// and a sector in between was never written.
    SameFlush,
    /// A batch follows that was written after this place had been flushed,
    /// or with no sector missing in between: this place was whole once.
    Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    pub content: Content,
    pub place: SegmentPlace,
    pub after: After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is the next batch.
    Accept,
    /// The segment ends here.
    CleanEnd,
    /// Cut it off and report it: nobody was told that it is durable.
    TruncateTorn,
    /// Stop and say where: flushed bytes are not what they were.
    Refuse,
}

/// The decision, and the label of its row.
pub fn decide(observation: Observation) -> (Decision, &'static str) {
    use {After::*, Content::*, Decision::*, SegmentPlace::*};
    let Observation {
        content,
        place,
        after,
    } = observation;
    match (content, place, after) {
        (Linked, _, _) => (Accept, "next batch"),
        (Unlinked, _, _) => (Refuse, "batch of another history"),
        (Blank, _, Nothing) => (CleanEnd, "end of segment"),
        (Blank, _, SameFlush | Evidence) => (Refuse, "impossible: a batch after only zeros"),
        (Hole | Damaged, Earlier, _) => (Refuse, "damage in a flushed segment"),
        (Hole, Last, Nothing) => (TruncateTorn, "beginning of the last write lost"),
        (Damaged, Last, Nothing) => (TruncateTorn, "last write torn"),
        (Hole, Last, SameFlush) => (TruncateTorn, "a write lost before a later one"),
        (Damaged, Last, SameFlush) => (TruncateTorn, "a write torn before a later one"),
        (Hole | Damaged, Last, Evidence) => (Refuse, "damage before a flushed batch"),
    }
}
