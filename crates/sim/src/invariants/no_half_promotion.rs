//! **NoHalfPromotion**: an operator's request is consumed once, in the write
//! that takes the epoch, and only in the epoch that the operator saw; and it is
//! refused only by a lease that is as new as the one the operator saw. (That a
//! promotion which does not complete leaves a standby that follows is what
//! the healing at the end of every run shows.)

use super::{Life, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use understudy_protocol::{ActivationRequest, Lease, RequestId};

#[derive(Debug)]
struct Asked {
    request: ActivationRequest,
    /// The lease that the operator can have seen.
    version: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct NoHalfPromotion {
    requests: BTreeMap<RequestId, Asked>,
    consumed: BTreeSet<RequestId>,
}

impl NoHalfPromotion {
    pub(super) fn requested(&mut self, request: &ActivationRequest, version: Option<u64>) {
        self.requests.entry(request.id).or_insert_with(|| Asked {
            request: request.clone(),
            version,
        });
    }

    pub(super) fn request(&self, id: RequestId) -> Option<&ActivationRequest> {
        self.requests.get(&id).map(|asked| &asked.request)
    }

    pub(super) fn refused(&self, life: Life, id: RequestId, version: u64) -> Verdict {
        let asked = self.requests.get(&id).and_then(|asked| asked.version);
        match asked.filter(|asked| version < *asked) {
            None => Ok(()),
            Some(asked) => Err(format!(
                "n{} refuses request {id} by the lease of write {version}, but it was made when write {asked} stood",
                life.0
            )),
        }
    }

    pub(super) fn lease_written(&mut self, before: &Lease, after: &Lease) -> Verdict {
        let id = |lease: &Lease| lease.activation.as_ref().map(|activation| activation.id);
        let Some(taken) = id(after).filter(|taken| Some(*taken) != id(before)) else {
            return Ok(());
        };
        if !self.consumed.insert(taken) {
            return Err(format!("request {taken} was consumed twice"));
        }
        let Some(request) = self.request(taken) else {
            return Err(format!("request {taken} was consumed, but nobody made it"));
        };
        if request.expect_epoch != before.epoch {
            return Err(format!(
                "request {taken} expects epoch {}, and was consumed in epoch {}",
                request.expect_epoch, before.epoch
            ));
        }
        let holder = after.holder.as_ref().map(|holder| &holder.node);
        if holder != Some(&request.target) {
            return Err(format!(
                "request {taken} names {}, and {holder:?} consumed it",
                request.target
            ));
        }
        Ok(())
    }
}
