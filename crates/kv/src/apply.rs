//! What each command does to the state. Every one checks first and changes
//! afterwards, so that one that fails has changed nothing.

mod txn;
mod writer;

use crate::error::KvError;
use crate::key_range::KeyRange;
use crate::request::{
    CompactRequest, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest,
};
use crate::response::{
    CompactResponse, DeleteRangeResponse, LeaseGrantResponse, LeaseRevokeResponse, PutResponse,
};
use crate::state::KvState;
use crate::undo::LeaseChange;
use writer::Writer;

impl KvState {
    pub(crate) fn apply_put(&mut self, request: PutRequest) -> Result<PutResponse, KvError> {
        self.check_put(&request)?;
        let mut writer = Writer::new(self);
        let response = writer.put(request);
        writer.finish();
        Ok(response)
    }

    pub(crate) fn apply_delete(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let mut writer = Writer::new(self);
        let response = writer.delete(request);
        writer.finish();
        response
    }

    pub(crate) fn apply_compact(
        &mut self,
        request: CompactRequest,
    ) -> Result<CompactResponse, KvError> {
        let revision = request.revision;
        if revision < 0
            || self
                .compacted
                .is_some_and(|compacted| revision <= compacted)
        {
            return Err(KvError::Compacted);
        }
        if revision > self.revision {
            return Err(KvError::FutureRevision);
        }
        self.store.compact(revision);
        self.compacted = Some(revision);
        self.undo.forget_begun();
        Ok(CompactResponse {
            revision: self.revision,
        })
    }

    pub(crate) fn apply_grant(
        &mut self,
        request: LeaseGrantRequest,
    ) -> Result<LeaseGrantResponse, KvError> {
        if self.leases.may_attach(request.id) {
            return Err(KvError::LeaseExists);
        }
        self.leases.grant(request.id, request.ttl_seconds);
        self.undo.note_lease(LeaseChange::Granted(request.id));
        let LeaseGrantRequest { id, ttl_seconds } = request;
        Ok(LeaseGrantResponse {
            revision: self.revision,
            id,
            ttl_seconds,
        })
    }

    /// Deletes the lease's keys, in order, in one revision.
    pub(crate) fn apply_revoke(
        &mut self,
        request: LeaseRevokeRequest,
    ) -> Result<LeaseRevokeResponse, KvError> {
        let id = request.id;
        let lease = self.leases.view(id).ok_or(KvError::LeaseNotFound)?;
        let ttl_seconds = lease.ttl_seconds;
        let keys = self.leases.revoke(id).expect("it was just seen");
        self.undo
            .note_lease(LeaseChange::Revoked { id, ttl_seconds });
        let mut writer = Writer::new(self);
        keys.iter().for_each(|key| writer.delete_key(key));
        writer.finish();
        Ok(LeaseRevokeResponse {
            revision: self.revision,
        })
    }

    /// What a put needs of the state before it.
    fn check_put(&self, request: &PutRequest) -> Result<(), KvError> {
        if !self.leases.may_attach(request.lease) {
            return Err(KvError::LeaseNotFound);
        }
        let keeps = request.ignore_value || request.ignore_lease;
        if keeps && self.store.newest(&request.key).is_none() {
            return Err(KvError::KeyNotFound);
        }
        Ok(())
    }
}

pub(crate) fn range_of(request: &DeleteRangeRequest) -> KeyRange {
    KeyRange::new(request.key.clone(), request.range_end.clone())
}
