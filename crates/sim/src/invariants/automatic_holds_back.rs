//! **AutomaticHoldsBack** (of the design's section on activation): a node
//! takes an epoch unasked only when it stands in the stored in-sync set, over
//! a held lease that stood still for its time and the hold-off; and then no
//! node does so again until an operator has acknowledged it or acted.

use super::Verdict;
use std::collections::BTreeSet;
use std::time::Duration;
use understudy_protocol::{Lease, LeaseState, RequestId};
use understudy_types::Epoch;

#[derive(Debug, Default)]
pub(super) struct AutomaticHoldsBack {
    /// Requests that nodes made themselves.
    own: BTreeSet<RequestId>,
    /// Epochs in which an operator sent an acknowledgement.
    acknowledged: BTreeSet<Epoch>,
    /// The epoch that was last taken so, while nobody has acknowledged it.
    pending: Option<Epoch>,
}

impl AutomaticHoldsBack {
    pub(super) fn asked_itself(&mut self, id: RequestId) {
        self.own.insert(id);
    }

    pub(super) fn acknowledged(&mut self, epoch: Epoch) {
        self.acknowledged.insert(epoch);
    }

    /// `stood_still`: for how long the store had held `before`, in true time.
    /// `Ok(true)`: the write took an epoch unasked.
    pub(super) fn lease_written(
        &mut self,
        before: &Lease,
        after: &Lease,
        stood_still: Duration,
        hold_off: Duration,
    ) -> Result<bool, String> {
        let id = |lease: &Lease| lease.activation.as_ref().map(|activation| activation.id);
        let consumed = id(after).filter(|taken| Some(*taken) != id(before));
        let unasked = consumed.is_some_and(|taken| self.own.contains(&taken));
        if unasked {
            self.may_act(before, after, stood_still, hold_off)?;
            self.pending = Some(after.epoch);
        } else if consumed.is_some() || self.acknowledged.contains(&before.epoch) {
            self.pending = after.unacknowledged;
        }
        if after.unacknowledged == self.pending {
            return Ok(unasked);
        }
        Err(format!(
            "the lease says {:?} of the automatic failover that nobody has acknowledged, it is {:?}",
            after.unacknowledged, self.pending
        ))
    }

    fn may_act(
        &self,
        before: &Lease,
        after: &Lease,
        stood_still: Duration,
        hold_off: Duration,
    ) -> Verdict {
        if let Some(pending) = self.pending {
            return Err(format!(
                "epoch {} was taken unasked, and so was {pending}, which nobody has acknowledged",
                after.epoch
            ));
        }
        let taker = after.holder.as_ref().map(|holder| holder.standby_id());
        let in_sync = taker.is_some_and(|taker| before.in_sync.contains(&taker));
        if !in_sync || before.state != LeaseState::Held {
            return Err(format!(
                "epoch {} was taken unasked, from {:?}, in sync {in_sync}",
                after.epoch, before.state
            ));
        }
        // Clocks of nodes run faster than true time by two per cent at most.
        let wanted = (before.ttl() + before.ttl() / 10 + hold_off).mul_f64(0.97);
        if stood_still < wanted {
            return Err(format!(
                "epoch {} was taken unasked over a lease that stood still for {stood_still:?}, not {wanted:?}",
                after.epoch
            ));
        }
        Ok(())
    }
}
