//! Taking the newest events back, one by one.

use super::content::{deletion_hash, order_hash, version_hash};
use super::{ALLOCATION_BYTES, ItemKind, Store, Version, value_bytes};
use std::sync::Arc;

/// An event that never happened any more, as far as leases ask.
#[derive(Debug)]
pub(crate) struct TakenBack {
    pub(crate) key: Arc<[u8]>,
    /// Of the version that the event made; 0 for a deletion.
    pub(crate) made_lease: i64,
    /// Of the version that is the newest one again; 0 when there is none.
    pub(crate) replaced_lease: i64,
}

impl Store {
    /// Takes the newest event back when it is of a later revision than
    /// `revision`. Everything is as if it had never been, the content too.
    pub(crate) fn take_back_after(&mut self, revision: i64) -> Option<TakenBack> {
        let (item, before) = self.history.pop_back_after(revision)?;
        let lease_of = |version: &Option<Version>| version.as_ref().map_or(0, |v| v.lease);
        let replaced_lease = lease_of(&item.replaced);
        let entry = self.keys.entry_mut(item.key);
        let key = Arc::clone(&entry.name);
        let made = std::mem::replace(&mut entry.newest, item.replaced);
        entry.last = before;
        let made_lease = lease_of(&made);
        let is_unknown = entry.newest.is_none()
            && before.is_none_or(|before| self.history.get(before).is_none());
        if item.order > 0 {
            self.content
                .remove(order_hash(&key, item.revision, item.order));
        }
        if item.kind == ItemKind::Delete {
            self.content.remove(deletion_hash(&key, item.revision));
        }
        if let Some(made) = made {
            self.content.remove(version_hash(&key, &made));
            self.payload_bytes -= value_bytes(&made);
        }
        if is_unknown {
            self.payload_bytes -= key.len() as u64 + ALLOCATION_BYTES;
            self.keys.remove(item.key);
        }
        Some(TakenBack {
            key,
            made_lease,
            replaced_lease,
        })
    }
}
