//! Where keys and history live.
//!
//! A key holds its newest version. The history is a log of events; each event
//! keeps the version that it *replaced*. So every version is held once: by its
//! key while it is the newest, and by the event that replaced it afterwards.
//! Reading the past is undoing, a watch's previous value is at hand, and
//! compaction only drops the front of the log.

mod audit;
mod chunked;
mod content;
mod history;
mod keys;
mod take_back;

pub(crate) use content::{ContentHash, content_digest, lease_hash};
pub(crate) use history::{HistoryItem, ItemKind, Sequence};
pub(crate) use keys::{KeyEntry, KeyId};

use crate::key_range::KeyRange;
use bytes::Bytes;
use content::{deletion_hash, order_hash, version_hash};
use history::History;
use keys::Keys;
use std::sync::Arc;

/// One state of a key, from a put until the next put or deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) value: Bytes,
    pub(crate) create_revision: i64,
    pub(crate) mod_revision: i64,
    /// Puts since the key's creation.
    pub(crate) number: i64,
    pub(crate) lease: i64,
}

/// Where in the history a change goes: its revision, and its place among the
/// changes of that revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) revision: i64,
    pub(crate) order: u32,
}

/// Which state a reader means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Newest,
    Revision(i64),
}

/// What the allocator is taken to add to each piece of memory.
const ALLOCATION_BYTES: u64 = 16;

#[derive(Debug, Default)]
pub(crate) struct Store {
    keys: Keys,
    history: History,
    content: ContentHash,
    /// Bytes of keys and values, with what their allocations add.
    payload_bytes: u64,
}

impl Store {
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn content(&self) -> &ContentHash {
        &self.content
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.payload_bytes + self.keys.memory_bytes() + self.history.memory_bytes()
    }

    pub(crate) fn key(&self, id: KeyId) -> &KeyEntry {
        self.keys.entry(id)
    }

    /// Known keys of the range in order; deleted ones too while history
    /// still names them.
    pub(crate) fn keys_in<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a Arc<[u8]>, KeyId)> + 'a {
        self.keys.iter(range)
    }

    /// The keys that exist at a moment, in order, with their versions.
    pub(crate) fn visible_in<'a>(
        &'a self,
        range: &'a KeyRange,
        at: At,
    ) -> impl Iterator<Item = (&'a Arc<[u8]>, &'a Version)> + 'a {
        self.keys_in(range)
            .filter_map(move |(key, id)| Some((key, self.visible(id, at)?)))
    }

    pub(crate) fn newest(&self, key: &[u8]) -> Option<&Version> {
        self.keys.entry(self.keys.find(key)?).newest.as_ref()
    }

    fn visible(&self, id: KeyId, at: At) -> Option<&Version> {
        let entry = self.keys.entry(id);
        let At::Revision(revision) = at else {
            return entry.newest.as_ref();
        };
        match self
            .history
            .first_of_key(entry.last, revision.saturating_add(1))
        {
            None => entry.newest.as_ref(),
            Some(undone) => self.history.get(undone)?.replaced.as_ref(),
        }
    }

    /// The version that a put event made; `None` for a deletion.
    pub(crate) fn made_by<'a>(&'a self, item: &'a HistoryItem) -> Option<&'a Version> {
        match (item.kind, item.next) {
            (ItemKind::Delete, _) => None,
            (ItemKind::Put, None) => self.keys.entry(item.key).newest.as_ref(),
            (ItemKind::Put, Some(next)) => self.history.get(next)?.replaced.as_ref(),
        }
    }

    /// Puts, and gives the version that was replaced.
    pub(crate) fn put(
        &mut self,
        key: &[u8],
        value: Bytes,
        lease: i64,
        place: Place,
    ) -> Option<&Version> {
        let id = match self.keys.find(key) {
            Some(id) => id,
            None => {
                self.payload_bytes += key.len() as u64 + ALLOCATION_BYTES;
                self.keys.insert(Arc::from(key))
            }
        };
        let entry = self.keys.entry_mut(id);
        let (create_revision, number) = match &entry.newest {
            Some(replaced) => (replaced.create_revision, replaced.number + 1),
            None => (place.revision, 1),
        };
        let version = Version {
            value,
            create_revision,
            mod_revision: place.revision,
            number,
            lease,
        };
        self.payload_bytes += value_bytes(&version);
        self.content.add(version_hash(key, &version));
        let replaced = entry.newest.replace(version);
        self.append(id, ItemKind::Put, place, replaced)
    }

    /// Deletes a key that exists, and gives its last version.
    pub(crate) fn delete(&mut self, key: &[u8], place: Place) -> Option<&Version> {
        let id = self.keys.find(key)?;
        let replaced = self.keys.entry_mut(id).newest.take()?;
        self.content.add(deletion_hash(key, place.revision));
        self.append(id, ItemKind::Delete, place, Some(replaced))
    }

    fn append(
        &mut self,
        id: KeyId,
        kind: ItemKind,
        place: Place,
        replaced: Option<Version>,
    ) -> Option<&Version> {
        let entry = self.keys.entry_mut(id);
        if place.order > 0 {
            self.content
                .add(order_hash(&entry.name, place.revision, place.order));
        }
        let item = HistoryItem::new(id, kind, place, replaced);
        let sequence = self.history.append(item, entry.last);
        entry.last = Some(sequence);
        self.history.get(sequence)?.replaced.as_ref()
    }

    /// Forgets all events before `revision`, and what those of `revision`
    /// replaced: its events can still be watched, earlier states not read.
    pub(crate) fn compact(&mut self, revision: i64) {
        while self
            .history
            .front()
            .is_some_and(|item| item.revision < revision)
        {
            self.forget_front();
        }
        let kept = self.history.first_at(revision)..self.history.first_at(revision + 1);
        for sequence in history::sequences(kept) {
            let item = self
                .history
                .get_mut(sequence)
                .expect("the range is within the history");
            let (id, replaced) = (item.key, item.replaced.take());
            self.forget_version(id, replaced);
        }
    }

    /// Forgets all events, those of the newest revision too.
    pub(crate) fn forget_history(&mut self) {
        while self.history.front().is_some() {
            self.forget_front();
        }
    }

    fn forget_front(&mut self) {
        let Some((sequence, item)) = self.history.pop_front() else {
            return;
        };
        self.forget_version(item.key, item.replaced);
        let entry = self.keys.entry(item.key);
        if item.order > 0 {
            self.content
                .remove(order_hash(&entry.name, item.revision, item.order));
        }
        if item.kind == ItemKind::Delete {
            self.content
                .remove(deletion_hash(&entry.name, item.revision));
        }
        if entry.newest.is_none() && entry.last == Some(sequence) {
            self.payload_bytes -= entry.name.len() as u64 + ALLOCATION_BYTES;
            self.keys.remove(item.key);
        }
    }

    fn forget_version(&mut self, id: KeyId, version: Option<Version>) {
        let Some(version) = version else { return };
        self.payload_bytes -= value_bytes(&version);
        self.content
            .remove(version_hash(&self.keys.entry(id).name, &version));
    }
}

fn value_bytes(version: &Version) -> u64 {
    if version.value.is_empty() {
        0
    } else {
        version.value.len() as u64 + ALLOCATION_BYTES
    }
}
