//! The log of events, in the order in which they happened.
//!
//! The events of one key are chained: to the one before, to the one after,
//! and by a jump far back whose length follows the skew-binary numbers, so
//! that any event of a key is found in logarithmically many steps however
//! long its history is. A link to an event that was dropped reads as none.

use super::chunked::Chunked;
use super::{KeyId, Place, Version};
use std::num::NonZeroU64;
use std::ops::Range;

/// The number of an event, counted from 1 and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sequence(NonZeroU64);

impl Sequence {
    /// Slots count from 0, so that the absence of a link costs no memory.
    fn of_slot(slot: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(slot))
    }

    fn slot(self) -> u64 {
        self.0.get() - 1
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ItemKind {
    #[default]
    Put,
    Delete,
}

#[derive(Debug, Default)]
pub(crate) struct HistoryItem {
    pub(crate) revision: i64,
    previous: Option<Sequence>,
    jump: Option<Sequence>,
    /// The key's next event.
    pub(crate) next: Option<Sequence>,
    pub(crate) key: KeyId,
    /// Events of the key before this one; only differences have a meaning.
    depth: u32,
    /// Place among the events of the revision.
    pub(crate) order: u32,
    pub(crate) kind: ItemKind,
    pub(crate) replaced: Option<Version>,
}

impl HistoryItem {
    pub(super) fn new(key: KeyId, kind: ItemKind, place: Place, replaced: Option<Version>) -> Self {
        let Place { revision, order } = place;
        Self {
            key,
            kind,
            revision,
            order,
            replaced,
            ..Self::default()
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct History {
    items: Chunked<HistoryItem>,
}

impl History {
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.items.memory_bytes()
    }

    pub(crate) fn get(&self, sequence: Sequence) -> Option<&HistoryItem> {
        self.items.get(sequence.slot())
    }

    pub(crate) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut HistoryItem> {
        self.items.get_mut(sequence.slot())
    }

    pub(crate) fn front(&self) -> Option<&HistoryItem> {
        self.items.get(self.items.start())
    }

    pub(crate) fn pop_front(&mut self) -> Option<(Sequence, HistoryItem)> {
        let sequence = Sequence::of_slot(self.items.start());
        Some((sequence, self.items.pop_front()?))
    }

    /// Takes the newest event back when it is later than `revision`, and gives
    /// the one that its key had before.
    pub(crate) fn pop_back_after(
        &mut self,
        revision: i64,
    ) -> Option<(HistoryItem, Option<Sequence>)> {
        let newest = self.items.end().checked_sub(1)?;
        self.items
            .get(newest)
            .filter(|item| item.revision > revision)?;
        let item = self.items.pop_back()?;
        let previous = item.previous;
        if let Some(before) = previous.and_then(|previous| self.get_mut(previous)) {
            before.next = None;
        }
        Some((item, previous))
    }

    /// Adds an event behind `last`, the event that its key had before.
    pub(crate) fn append(&mut self, mut item: HistoryItem, last: Option<Sequence>) -> Sequence {
        let sequence = Sequence::of_slot(self.items.end());
        if let Some((last, previous)) = last.and_then(|last| Some((last, self.get_mut(last)?))) {
            previous.next = Some(sequence);
            item.depth = previous.depth.wrapping_add(1);
            item.previous = Some(last);
            item.jump = Some(self.jump_behind(last));
        }
        self.items.push(item);
        sequence
    }

    /// Two neighbouring jumps of one length become one jump over both.
    fn jump_behind(&self, last: Sequence) -> Sequence {
        let depth = |sequence| self.get(sequence).map(|item| (item.depth, item.jump));
        let Some((here, Some(near))) = depth(last) else {
            return last;
        };
        let Some((there, Some(far))) = depth(near) else {
            return last;
        };
        let Some((end, _)) = depth(far) else {
            return last;
        };
        if here.wrapping_sub(there) == there.wrapping_sub(end) {
            far
        } else {
            last
        }
    }

    /// The first event of a key at or after `revision`; `last` is the key's
    /// newest event.
    pub(crate) fn first_of_key(&self, last: Option<Sequence>, revision: i64) -> Option<Sequence> {
        let is_late = |sequence: &Sequence| {
            self.get(*sequence)
                .is_some_and(|item| item.revision >= revision)
        };
        let mut found = last.filter(is_late)?;
        loop {
            let item = self.get(found)?;
            let earlier = item.jump.filter(is_late).or(item.previous.filter(is_late));
            match earlier {
                Some(earlier) => found = earlier,
                None => return Some(found),
            }
        }
    }

    /// Where the first event at or after `revision` is, or will be.
    pub(crate) fn first_at(&self, revision: i64) -> Cursor {
        let (mut low, mut high) = (self.items.start(), self.items.end());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.items.get(middle) {
                Some(item) if item.revision < revision => low = middle + 1,
                _ => high = middle,
            }
        }
        Cursor(low)
    }

    pub(crate) fn iter_from(&self, cursor: Cursor) -> impl Iterator<Item = &HistoryItem> {
        (cursor.0..self.items.end()).filter_map(|slot| self.items.get(slot))
    }

    /// Events from the cursor to the end.
    pub(crate) fn left_from(&self, cursor: Cursor) -> u64 {
        self.items.end().saturating_sub(cursor.0)
    }
}

/// A place between events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor(u64);

pub(crate) fn sequences(range: Range<Cursor>) -> impl Iterator<Item = Sequence> {
    (range.start.0..range.end.0).map(Sequence::of_slot)
}

#[cfg(test)]
mod tests {
    use super::{History, HistoryItem, ItemKind, Sequence};
    use crate::store::{KeyId, Place};

    fn append(history: &mut History, revision: i64, last: Option<Sequence>) -> Sequence {
        let place = Place { revision, order: 0 };
        history.append(
            HistoryItem::new(KeyId::default(), ItemKind::Put, place, None),
            last,
        )
    }

    /// Links that lead from a key's newest event to its first one.
    fn links_to_the_first(history: &History, last: Sequence) -> usize {
        let is_held = |sequence: &Sequence| history.get(*sequence).is_some();
        let step = |sequence: &Sequence| {
            let item = history.get(*sequence)?;
            item.jump.filter(is_held).or(item.previous.filter(is_held))
        };
        std::iter::successors(Some(last), step).count()
    }

    #[test]
    fn the_first_of_many_events_is_few_links_away_before_and_after_compaction() {
        let (mut history, mut last) = (History::default(), None);
        for revision in 2..100_000 {
            last = Some(append(&mut history, revision, last));
        }
        assert!(links_to_the_first(&history, last.unwrap()) < 40);
        while history.front().is_some_and(|item| item.revision < 54_321) {
            history.pop_front();
        }
        for revision in 100_000..200_000 {
            last = Some(append(&mut history, revision, last));
        }
        let first = history.first_of_key(last, 0).unwrap();
        assert_eq!(history.get(first).unwrap().revision, 54_321);
        assert!(links_to_the_first(&history, last.unwrap()) < 80);
    }
}
