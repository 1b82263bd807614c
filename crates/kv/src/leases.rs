//! The leases that were granted, and the keys bound to them.
//!
//! A lease's time is the primary's matter: it watches the clock and sends a
//! revoke. Here a lease is an id, its granted time, and its keys.

use crate::store::{ContentHash, lease_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Leases {
    leases: BTreeMap<i64, Lease>,
    content: ContentHash,
    attached: u64,
}

#[derive(Debug)]
struct Lease {
    ttl_seconds: i64,
    keys: BTreeSet<Arc<[u8]>>,
}

/// A lease, as a reader sees it.
#[derive(Clone, Copy, Debug)]
pub struct LeaseView<'a> {
    pub id: i64,
    pub ttl_seconds: i64,
    keys: &'a BTreeSet<Arc<[u8]>>,
}

impl<'a> LeaseView<'a> {
    /// The keys bound to it, in order.
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.keys.iter().map(|key| &key[..])
    }
}

const BYTES_PER_LEASE: u64 = 64;
/// A handle in the tree and the name's own copy, but for its length.
const BYTES_PER_ATTACHED_KEY: u64 = 56;

impl Leases {
    pub(crate) fn content(&self) -> &ContentHash {
        &self.content
    }

    pub(crate) fn content_from_scratch(&self) -> ContentHash {
        let mut content = ContentHash::default();
        self.leases
            .iter()
            .for_each(|(id, lease)| content.add(lease_hash(*id, lease.ttl_seconds)));
        content
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.leases.len() as u64 * BYTES_PER_LEASE + self.attached * BYTES_PER_ATTACHED_KEY
    }

    pub(crate) fn view(&self, id: i64) -> Option<LeaseView<'_>> {
        let lease = self.leases.get(&id)?;
        Some(LeaseView {
            id,
            ttl_seconds: lease.ttl_seconds,
            keys: &lease.keys,
        })
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = LeaseView<'_>> {
        self.leases.keys().filter_map(|id| self.view(*id))
    }

    /// Lease 0 is no lease and always there.
    pub(crate) fn may_attach(&self, id: i64) -> bool {
        id == 0 || self.leases.contains_key(&id)
    }

    pub(crate) fn grant(&mut self, id: i64, ttl_seconds: i64) {
        self.leases.insert(
            id,
            Lease {
                ttl_seconds,
                keys: BTreeSet::new(),
            },
        );
        self.content.add(lease_hash(id, ttl_seconds));
    }

    /// Forgets a lease and gives the keys that it still has.
    pub(crate) fn revoke(&mut self, id: i64) -> Option<BTreeSet<Arc<[u8]>>> {
        let lease = self.leases.remove(&id)?;
        self.content.remove(lease_hash(id, lease.ttl_seconds));
        self.attached -= lease.keys.len() as u64;
        Some(lease.keys)
    }

    pub(crate) fn attach(&mut self, id: i64, key: &[u8]) {
        if let Some(lease) = self.leases.get_mut(&id) {
            self.attached += u64::from(lease.keys.insert(Arc::from(key)));
        }
    }

    pub(crate) fn detach(&mut self, id: i64, key: &[u8]) {
        if let Some(lease) = self.leases.get_mut(&id) {
            self.attached -= u64::from(lease.keys.remove(key));
        }
    }
}
