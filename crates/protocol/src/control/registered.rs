//! Who has a row on the primary, also while it is away: every node that has
//! followed a holder of the lease, until an operator says that it is gone for
//! good. The lease keeps them, so that neither a restart nor a promotion makes
//! anybody forget one.

use crate::lease::{Lease, Member, StandbyId};
use std::collections::BTreeMap;
use understudy_types::{DataId, NodeId};

/// Nobody is added beyond it.
const REGISTERED_MAX: usize = 16;

/// By name, the last data root.
pub(super) type Registered = BTreeMap<NodeId, DataId>;

/// Who has streamed from this primary, whether the lease names it yet or not.
#[derive(Debug, Default)]
pub(super) struct Followers(Registered);

impl Followers {
    pub(super) fn note(&mut self, standby: &StandbyId) {
        add(&mut self.0, standby.node.clone(), standby.data_id);
    }

    pub(super) fn forget(&mut self, standby: &NodeId) {
        self.0.remove(standby);
    }

    /// Those of the lease, and these: as the holder writes them next.
    pub(super) fn with_those_of(&self, lease: &Lease) -> Registered {
        let mut registered = lease.registered.clone();
        for (node, data_id) in &self.0 {
            add(&mut registered, node.clone(), *data_id);
        }
        registered
    }
}

fn add(registered: &mut Registered, node: NodeId, data_id: DataId) {
    if registered.contains_key(&node) || registered.len() < REGISTERED_MAX {
        registered.insert(node, data_id);
    }
}

/// As a node takes them over with the lease: the former holder is to follow.
pub(super) fn taken_over(lease: &Lease, me: &Member) -> Registered {
    let mut registered = lease.registered.clone();
    registered.remove(&me.node);
    let former = lease.holder.as_ref();
    if let Some(former) = former.filter(|former| former.node != me.node) {
        add(&mut registered, former.node.clone(), former.data_id);
    }
    registered
}
