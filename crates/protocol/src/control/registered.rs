//! Who has a row on the primary, also while it is away: every node that has
//! followed a holder of the lease, until an operator says that it is gone for
//! good. The lease keeps them, so that neither a restart nor a promotion makes
//! anybody forget one.

use crate::lease::{Lease, Member, StandbyId};
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::{DataId, NodeId};

/// Nobody is added beyond it.
const REGISTERED_MAX: usize = 16;

/// Those that came and that no stored lease names yet.
#[derive(Debug, Default)]
pub(super) struct Newcomers(BTreeSet<StandbyId>);

impl Newcomers {
    pub(super) fn note(&mut self, standby: &StandbyId) {
        if self.0.len() < REGISTERED_MAX {
            self.0.insert(standby.clone());
        }
    }

    pub(super) fn note_stored(&mut self, lease: &Lease) {
        self.0
            .retain(|came| !lease.registered().any(|known| known == *came));
    }

    pub(super) fn forget(&mut self, standby: &NodeId) {
        self.0.retain(|came| came.node != *standby);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &StandbyId> {
        self.0.iter()
    }
}

/// As the holder writes them next.
pub(super) fn with_those_that_came<'a>(
    lease: &Lease,
    came: impl Iterator<Item = &'a StandbyId>,
) -> BTreeMap<NodeId, DataId> {
    let mut registered = lease.registered.clone();
    for standby in came {
        let is_known = registered.contains_key(&standby.node);
        if is_known || registered.len() < REGISTERED_MAX {
            registered.insert(standby.node.clone(), standby.data_id);
        }
    }
    registered
}

/// As a node takes them over with the lease: the former holder is to follow.
pub(super) fn taken_over(lease: &Lease, me: &Member) -> BTreeMap<NodeId, DataId> {
    let former = lease.holder.as_ref().map(Member::standby_id);
    let mut registered = with_those_that_came(lease, former.iter());
    registered.remove(&me.node);
    registered
}
