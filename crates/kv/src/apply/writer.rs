//! The writes of one command: all of them get one revision, and the revision
//! advances only when there was one.

use super::range_of;
use crate::range::key_value;
use crate::request::{DeleteRangeRequest, PutRequest};
use crate::response::{DeleteRangeResponse, KeyValue, PutResponse};
use crate::state::KvState;
use crate::store::{At, Place};
use std::sync::Arc;

pub(super) struct Writer<'a> {
    state: &'a mut KvState,
    writes: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(state: &'a mut KvState) -> Self {
        Self { state, writes: 0 }
    }

    pub(super) fn state(&self) -> &KvState {
        self.state
    }

    /// What a response given now says as its revision.
    pub(super) fn revision(&self) -> i64 {
        self.state.revision + i64::from(self.writes > 0)
    }

    pub(super) fn finish(self) {
        self.state.revision = self.revision();
    }

    fn take_place(&mut self) -> Place {
        let place = Place {
            revision: self.state.revision + 1,
            order: self.writes,
        };
        self.writes += 1;
        place
    }

    /// Puts a key; the caller checked what the put asks of the state.
    pub(super) fn put(&mut self, request: PutRequest) -> PutResponse {
        let place = self.take_place();
        let PutRequest {
            key,
            mut value,
            mut lease,
            prev_kv,
            ignore_value,
            ignore_lease,
        } = request;
        if ignore_value || ignore_lease {
            let kept = self.state.store.newest(&key).expect("the put was checked");
            value = if ignore_value {
                kept.value.clone()
            } else {
                value
            };
            lease = if ignore_lease { kept.lease } else { lease };
        }
        let KvState { store, leases, .. } = &mut *self.state;
        let replaced = store.put(&key, value, lease, place);
        let former_lease = replaced.map_or(0, |replaced| replaced.lease);
        if former_lease != lease {
            leases.detach(former_lease, &key);
            leases.attach(lease, &key);
        }
        let prev_kv = replaced
            .filter(|_| prev_kv)
            .map(|version| key_value(&key, version));
        PutResponse {
            revision: place.revision,
            prev_kv,
        }
    }

    pub(super) fn delete(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let range = range_of(request);
        let visible = self.state.store.visible_in(&range, At::Newest);
        let keys: Vec<Arc<[u8]>> = visible.map(|(key, _)| Arc::clone(key)).collect();
        let mut prev_kvs: Vec<KeyValue> = Vec::new();
        if request.prev_kv {
            let visible = self.state.store.visible_in(&range, At::Newest);
            prev_kvs = visible
                .map(|(key, version)| key_value(key, version))
                .collect();
        }
        keys.iter().for_each(|key| self.delete_key(key));
        DeleteRangeResponse {
            revision: self.revision(),
            deleted: keys.len() as i64,
            prev_kvs,
        }
    }

    /// Deletes a key that exists.
    pub(super) fn delete_key(&mut self, key: &[u8]) {
        let place = self.take_place();
        let KvState { store, leases, .. } = &mut *self.state;
        let replaced = store
            .delete(key, place)
            .expect("only keys that exist are deleted");
        leases.detach(replaced.lease, key);
    }
}
