//! Whether a node whose log is damaged may set the damaged end aside by
//! itself, and fetch it anew from the primary.

use crate::lease::{Lease, LeaseState};
use understudy_types::{Epoch, NodeId};

/// Why only an operator may decide about a damaged log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotByItself {
    #[error("the lease is this node's own: its log is the one that the others follow")]
    OwnLease,
    #[error("no other node serves: this log may be the best copy that there is")]
    NobodyServes,
    #[error("the lease names this node as the next primary")]
    NamedSuccessor,
    #[error(
        "this node was primary in epoch {0}, and what was lost when that ended may lie in the damaged part"
    )]
    MayHoldWhatWasLost(Epoch),
    #[error(
        "the lease does not remember who wrote the damaged part: it knows the epochs from {0} on"
    )]
    TooOld(Epoch),
    #[error("the primary did not renew the lease while this node watched")]
    PrimarySilent,
}

/// Judges by the lease alone. `sound` is the last epoch of what stays; all
/// that goes is of this epoch or of later ones.
///
/// What another node serves holds everything that was acknowledged, except
/// what a lossy promotion left behind in an earlier primary's log. So such a
/// log is kept for an operator, whole.
pub fn may_refetch(lease: &Lease, me: &NodeId, sound: Option<Epoch>) -> Result<(), NotByItself> {
    let holder = lease.holder.as_ref().map(|holder| &holder.node);
    if holder == Some(me) {
        return Err(NotByItself::OwnLease);
    }
    if holder.is_none() || lease.state != LeaseState::Held {
        return Err(NotByItself::NobodyServes);
    }
    if lease.handover.as_ref().is_some_and(|h| h.successor == *me) {
        return Err(NotByItself::NamedSuccessor);
    }
    let from = sound.unwrap_or(Epoch::new(1));
    match lease.history.first() {
        Some(oldest) if oldest.epoch <= from => {}
        oldest => {
            let known = oldest.map_or(lease.epoch, |oldest| oldest.epoch);
            return Err(NotByItself::TooOld(known));
        }
    }
    let own = lease.history.iter();
    let own = own
        .filter(|record| record.holder == *me && record.epoch >= from)
        .map(|record| record.epoch)
        .min();
    let lost_after = |own: Epoch| {
        let mut later = lease.history.iter();
        later.any(|record| record.epoch > own && record.lossy)
    };
    match own.filter(|own| lost_after(*own)) {
        Some(own) => Err(NotByItself::MayHoldWhatWasLost(own)),
        None => Ok(()),
    }
}
