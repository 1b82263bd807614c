//! Events of few keys out of a long history: each key's own chain of events,
//! merged, instead of a walk over everything.

use crate::key_range::KeyRange;
use crate::store::{HistoryItem, KeyId, Sequence, Store};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A history as short as this is walked.
const SHORT_HISTORY: u64 = 1024;
/// Finding a key's first event costs about as much as passing so many events.
const EVENTS_PER_LOOKUP: u64 = 16;
const MOST_KEYS: u64 = 4096;

/// The keys of the range, if looking each up is cheaper than a walk over
/// `events_left` events.
pub(super) fn few_keys(store: &Store, range: &KeyRange, events_left: u64) -> Option<Vec<KeyId>> {
    if events_left <= SHORT_HISTORY {
        return None;
    }
    let most = (events_left / EVENTS_PER_LOOKUP).min(MOST_KEYS) as usize;
    let keys: Vec<KeyId> = store
        .keys_in(range)
        .map(|(_, id)| id)
        .take(most + 1)
        .collect();
    (keys.len() <= most).then_some(keys)
}

pub(super) fn events_of<'a>(
    store: &'a Store,
    keys: &[KeyId],
    from_revision: i64,
) -> impl Iterator<Item = &'a HistoryItem> {
    let history = store.history();
    let first_of = |id: &KeyId| history.first_of_key(store.key(*id).last, from_revision);
    let mut next: BinaryHeap<Reverse<Sequence>> =
        keys.iter().filter_map(first_of).map(Reverse).collect();
    std::iter::from_fn(move || {
        let item = history.get(next.pop()?.0)?;
        next.extend(item.next.map(Reverse));
        Some(item)
    })
}
