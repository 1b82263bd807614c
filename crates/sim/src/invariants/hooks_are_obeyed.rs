//! **HooksAreObeyed**: where a command runs before promotions, an epoch is
//! taken for a request only by a node whose command has passed for that very
//! request; and on one data root it runs at most once for a request. (A
//! handover is taken under the request that named it; a gap in the slots is
//! accepted by a later request than the one that the epoch was claimed for.)

use super::Verdict;
use std::collections::BTreeMap;
use understudy_protocol::{Lease, RequestId, StandbyId};

#[derive(Debug, Default)]
pub(super) struct HooksAreObeyed {
    /// Whether it passed, by data root and request.
    ran: BTreeMap<(StandbyId, RequestId), bool>,
}

impl HooksAreObeyed {
    pub(super) fn ran(&mut self, root: StandbyId, id: RequestId, passed: bool) -> Verdict {
        match self.ran.insert((root.clone(), id), passed) {
            None => Ok(()),
            Some(_) => Err(format!("{} ran its hook twice for request {id}", root.node)),
        }
    }

    pub(super) fn lease_written(&self, before: &Lease, after: &Lease) -> Verdict {
        let id = |lease: &Lease| lease.activation.as_ref().map(|activation| activation.id);
        let Some(taken) = id(after).filter(|taken| Some(*taken) != id(before)) else {
            return Ok(());
        };
        if before.epoch == after.epoch {
            // A word for an epoch that is claimed: its hook has had its say.
            return Ok(());
        }
        let Some(taker) = after.holder.as_ref().map(|holder| holder.standby_id()) else {
            return Ok(());
        };
        match self.ran.get(&(taker.clone(), taken)) {
            Some(true) => Ok(()),
            found => Err(format!(
                "{} took epoch {} for request {taken}, and its hook: {}",
                taker.node,
                after.epoch,
                match found {
                    Some(_) => "failed",
                    None => "did not run",
                }
            )),
        }
    }
}
