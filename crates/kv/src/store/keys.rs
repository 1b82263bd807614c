//! The keys in their order, and what is known of each.

use super::chunked::Chunked;
use super::{Sequence, Version};
use crate::key_range::KeyRange;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for a key within this process: four bytes for each event instead
/// of the name. Used again after the key is forgotten; never leaves memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyId(u32);

#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) name: Arc<[u8]>,
    /// `None`: deleted, and history still names it.
    pub(crate) newest: Option<Version>,
    /// The newest event; it may have been dropped from the history.
    pub(crate) last: Option<Sequence>,
}

#[derive(Debug, Default)]
pub(crate) struct Keys {
    order: BTreeMap<Arc<[u8]>, KeyId>,
    entries: Chunked<Option<KeyEntry>>,
    free: Vec<KeyId>,
}

/// A name's handle and its id, in tree nodes that are two thirds full.
const TREE_BYTES_PER_KEY: u64 = 36;

impl Keys {
    pub(crate) fn memory_bytes(&self) -> u64 {
        let free = self.free.capacity() * size_of::<KeyId>();
        self.entries.memory_bytes() + free as u64 + self.order.len() as u64 * TREE_BYTES_PER_KEY
    }

    pub(crate) fn find(&self, key: &[u8]) -> Option<KeyId> {
        self.order.get(key).copied()
    }

    pub(crate) fn entry(&self, id: KeyId) -> &KeyEntry {
        let entry = self.entries.get(u64::from(id.0)).and_then(Option::as_ref);
        entry.expect("an id in use has an entry")
    }

    pub(crate) fn entry_mut(&mut self, id: KeyId) -> &mut KeyEntry {
        let entry = self
            .entries
            .get_mut(u64::from(id.0))
            .and_then(Option::as_mut);
        entry.expect("an id in use has an entry")
    }

    /// Adds a key that is not known yet.
    pub(crate) fn insert(&mut self, name: Arc<[u8]>) -> KeyId {
        let entry = KeyEntry {
            name: Arc::clone(&name),
            newest: None,
            last: None,
        };
        let id = match self.free.pop() {
            Some(id) => {
                let slot = self.entries.get_mut(u64::from(id.0));
                *slot.expect("a free id has a slot") = Some(entry);
                id
            }
            None => {
                KeyId(u32::try_from(self.entries.push(Some(entry))).expect("fewer keys than 2^32"))
            }
        };
        self.order.insert(name, id);
        id
    }

    pub(crate) fn remove(&mut self, id: KeyId) {
        let slot = self.entries.get_mut(u64::from(id.0)).and_then(Option::take);
        self.order
            .remove(&slot.expect("an id in use has an entry").name);
        self.free.push(id);
    }

    pub(crate) fn iter<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a Arc<[u8]>, KeyId)> + 'a {
        // An ordered map refuses bounds that are the wrong way round.
        let found = (!range.is_empty()).then(|| self.order.range::<[u8], _>(range.bounds()));
        found.into_iter().flatten().map(|(name, id)| (name, *id))
    }
}
