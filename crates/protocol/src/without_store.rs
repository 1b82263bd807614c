//! Breaking the glass: going on when the object store is lost for good.
//!
//! One node alone goes on, on the operator's evidence that no other node
//! writes. It takes the lease as it last saw it into a store of its own that
//! stands in for the lost one ([`stand_in_lease`]), in a band of epochs that
//! the lost store has never given out; from there on every rule is the usual
//! one. When the lost store answers after all, [`judge_former`] says which of
//! the two is in force.

use crate::lease::{Lease, LeaseState, Member};
use serde::{Deserialize, Serialize};
use understudy_types::{DataId, Epoch, Nonce};

/// Epochs of one band: far more than a store gives out in the cluster's life,
/// and few enough that thousands of bands stay exact where a number is read as
/// a double.
const BAND: u64 = 1 << 40;
/// Epochs of one node in a band, so that two nodes that break the glass over
/// the same lease never give one epoch twice.
const PART: u64 = 1 << 16;

/// Why a lease stands in no object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithoutStore {
    /// Who broke the glass.
    pub by: String,
    pub reason: String,
    /// The operator's evidence that no other node writes.
    pub fenced_by: String,
    /// The operator's wall clock, for people.
    pub at_ms: u64,
    /// The epoch of the lost store's lease when it was last seen.
    pub former_epoch: Epoch,
}

/// The first epoch of the next band that this data root may use.
pub fn first_epoch_after(former: Epoch, data_id: DataId) -> Epoch {
    let band = former.get() / BAND + 1;
    let [a, b, c, ..] = *data_id.as_bytes();
    let part = u64::from(u32::from_be_bytes([0, a, b, c]));
    Epoch::new(band * BAND + part * PART)
}

/// Where a fence stands: the last of the data root's own part. Whoever takes
/// an epoch over it is above all that this node gives out alone.
fn fence_epoch(former: Epoch, data_id: DataId) -> Epoch {
    Epoch::new(first_epoch_after(former, data_id).get() + PART - 1)
}

/// The lease that stands in for the lost one: nobody is known to hold it, and
/// nobody is counted on. It is a claim of somebody unknown, so evidence does
/// not shorten the wait: the lost store may have seen writes that this node
/// has not. Slots in the lost store are lost with it.
pub fn stand_in_lease(
    last_seen: &Lease,
    mark: WithoutStore,
    data_id: DataId,
    nonce: Nonce,
) -> Lease {
    let mut lease = last_seen.clone();
    lease.epoch = first_epoch_after(last_seen.epoch, data_id);
    lease.state = LeaseState::Claimed;
    if let Some(holder) = lease.holder.take() {
        lease.registered.insert(holder.node, holder.data_id);
    }
    lease.nonce = nonce;
    lease.renewals = 0;
    lease.in_sync.clear();
    lease.handover = None;
    lease.sealed = None;
    lease.activation = None;
    lease.fallback.base = None;
    lease.without_store = Some(mark);
    lease
}

/// What the lost store's lease says, now that it answers again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Former {
    /// Nobody else took an epoch since: this claim, written over what was
    /// read, fences whoever still believes in it.
    Fence(Box<Lease>),
    /// It is fenced already.
    Fenced,
    /// Another node has taken an epoch since: that one is in force, and this
    /// one must fall silent.
    Overtaken,
    /// This node's own lease stands there, no fence: an adoption got that far
    /// and must be brought to its end.
    Adopted,
    /// It belongs to another cluster.
    Foreign,
}

/// `own` is the stand-in's lease, with its mark.
pub fn judge_former(
    found: &Lease,
    own: &Lease,
    mark: &WithoutStore,
    me: &Member,
    nonce: Nonce,
) -> Former {
    if found.cluster != own.cluster {
        return Former::Foreign;
    }
    let is_own = found.is_of_data_root(me);
    if found.epoch > mark.former_epoch && !is_own {
        return Former::Overtaken;
    }
    // An own lease below that is one that this node wrote before it gave the
    // store up, and whose answer was lost: no fence, and no adoption.
    if is_own && found.epoch >= first_epoch_after(mark.former_epoch, me.data_id) {
        return match found.state {
            LeaseState::Claimed => Former::Fenced,
            LeaseState::Held | LeaseState::Released => Former::Adopted,
        };
    }
    let mut fence = own.clone();
    // What was acknowledged alone is on that node's disk: no slot of this
    // store has it, and nobody else may be told that nothing is lost.
    fence.in_sync.clear();
    fence.fallback.base = None;
    fence.epoch = fence_epoch(mark.former_epoch, me.data_id);
    fence.state = LeaseState::Claimed;
    fence.holder = Some(me.clone());
    fence.nonce = nonce;
    fence.without_store = None;
    Former::Fence(Box::new(fence))
}

/// The stand-in's lease as it goes into a store again, above its own fence if
/// that stands there. `None` when it is no stand-in's.
pub fn adopted_lease(own: &Lease, over: Option<&Lease>, nonce: Nonce) -> Option<Lease> {
    own.without_store.as_ref()?;
    let mut lease = own.clone();
    let fence = over.map_or(own.epoch, |over| over.epoch);
    lease.epoch = lease.epoch.max(fence);
    lease.without_store = None;
    lease.nonce = nonce;
    Some(lease)
}
