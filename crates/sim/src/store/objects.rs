//! What is in an object store: linearizable registers.

use crate::scenario::Scenario;
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::{Slot, SlotContents, SlotNumber};
use understudy_protocol::{ETag, Lease};
use understudy_types::ClusterId;

use super::{ObjectName, SlotPlace};

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) etag: ETag,
    body: Vec<u8>,
}

impl Object {
    /// As on S3, the tag is a hash of the body.
    pub(super) fn new(body: Vec<u8>) -> Object {
        let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Object {
            etag: ETag(format!("\"{hash:016x}\"")),
            body,
        }
    }

    pub(super) fn of_lease(lease: &Lease) -> Object {
        Object::new(lease.encode())
    }

    pub(super) fn as_lease(&self) -> Lease {
        Lease::decode(&self.body).expect("only leases are written")
    }

    fn fetched(&self) -> ObjectFetched {
        ObjectFetched::Found {
            etag: self.etag.clone(),
            body: self.body.clone(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Objects {
    pub(super) lease: Option<Object>,
    pub(super) activation: Option<Object>,
    slots: BTreeMap<(usize, SlotNumber), Object>,
    /// When the lease was last written.
    pub(super) written_at: SimTime,
}

impl Objects {
    /// A store in which there is nothing but a lease.
    pub(super) fn with(lease: &Lease) -> Objects {
        Objects {
            lease: Some(Object::of_lease(lease)),
            activation: None,
            slots: BTreeMap::new(),
            written_at: SimTime::ZERO,
        }
    }

    pub(super) fn fetch(&self, object: ObjectName, known: Option<&ETag>) -> ObjectFetched {
        let object = match object {
            ObjectName::Lease => &self.lease,
            ObjectName::Activation => &self.activation,
        };
        match object {
            None => ObjectFetched::Absent,
            Some(object) if known == Some(&object.etag) => ObjectFetched::NotModified,
            Some(object) => object.fetched(),
        }
    }

    pub(super) fn fetch_slot(&self, place: SlotPlace) -> ObjectFetched {
        match self.slots.get(&(place.shard, place.number)) {
            None => ObjectFetched::Absent,
            Some(object) => object.fetched(),
        }
    }

    pub(super) fn put_slot(&mut self, place: SlotPlace, body: Vec<u8>) -> WriteAnswer {
        match self.slots.entry((place.shard, place.number)) {
            Entry::Occupied(_) => WriteAnswer::Refused,
            Entry::Vacant(free) => {
                let object = free.insert(Object::new(body));
                WriteAnswer::Applied(object.etag.clone())
            }
        }
    }

    /// A seal stays for ever.
    pub(super) fn remove_slot(&mut self, place: SlotPlace, cluster: ClusterId) {
        if let Entry::Occupied(slot) = self.slots.entry((place.shard, place.number)) {
            let shard = Scenario::shard_name(place.shard);
            let held = Slot::decode(&slot.get().body, cluster, &shard, place.number);
            let seal = held.is_ok_and(|slot| slot.contents == SlotContents::Seal);
            if !seal {
                slot.remove();
            }
        }
    }
}
