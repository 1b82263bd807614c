//! The content hash of other moments than now, from what is held.

use super::content::{ContentHash, EntryHash, deletion_hash, order_hash, version_hash};
use super::{HistoryItem, ItemKind, Store};
use crate::key_range::KeyRange;

impl Store {
    /// The content as it was at a revision that history still covers.
    pub(crate) fn content_at(&self, revision: i64) -> ContentHash {
        let mut content = self.content;
        for item in self
            .history
            .iter_from(self.history.first_at(revision.saturating_add(1)))
        {
            self.hashes_of(item).for_each(|hash| content.remove(hash));
        }
        content
    }

    /// The content computed anew from all that is held.
    pub(crate) fn content_from_scratch(&self) -> ContentHash {
        let mut content = ContentHash::default();
        let all = KeyRange::all();
        for (key, id) in self.keys_in(&all) {
            let newest = self.key(id).newest.iter();
            newest.for_each(|version| content.add(version_hash(key, version)));
        }
        for item in self.history.iter_from(self.history.first_at(i64::MIN)) {
            let key = &self.key(item.key).name;
            let replaced = item.replaced.iter();
            replaced.for_each(|version| content.add(version_hash(key, version)));
            if item.order > 0 {
                content.add(order_hash(key, item.revision, item.order));
            }
            if item.kind == ItemKind::Delete {
                content.add(deletion_hash(key, item.revision));
            }
        }
        content
    }

    /// All that an event added to the content.
    fn hashes_of<'a>(&'a self, item: &'a HistoryItem) -> impl Iterator<Item = EntryHash> + 'a {
        let key = &self.key(item.key).name;
        let made = self.made_by(item).map(|version| version_hash(key, version));
        let deleted = (item.kind == ItemKind::Delete).then(|| deletion_hash(key, item.revision));
        let order = (item.order > 0).then(|| order_hash(key, item.revision, item.order));
        made.into_iter().chain(deleted).chain(order)
    }
}
