//! What a status page may see of the role.

use super::{Control, Role};
use crate::activation::ActivationRequest;
use crate::lease::{Heads, Lease, StandbyId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use understudy_types::{BootTime, Epoch};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    Standby,
    Promoting,
    Claimed,
    Primary,
    /// Holds the lease, but hands it over, or releases it.
    HandingOver,
    /// Holds an epoch whose deadline has passed.
    Lapsed,
    Ended,
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RoleName::Standby => "standby",
            RoleName::Promoting => "promoting",
            RoleName::Claimed => "claimed",
            RoleName::Primary => "primary",
            RoleName::HandingOver => "handing_over",
            RoleName::Lapsed => "lapsed",
            RoleName::Ended => "ended",
        })
    }
}

#[derive(Clone, Debug)]
pub struct LeaseView {
    pub lease: Lease,
    pub seen_since: BootTime,
}

#[derive(Clone, Debug)]
pub struct PeerView {
    pub standby: StandbyId,
    pub heads: Heads,
    pub heard: BootTime,
    /// It says that its state is not this primary's.
    pub state_diverged: bool,
}

#[derive(Clone, Debug)]
pub struct ControlView {
    /// When it was taken: whoever shows it later must count that in.
    pub viewed_at: BootTime,
    pub role: RoleName,
    pub promised: Epoch,
    pub lease: Option<LeaseView>,
    /// When the store last answered about the lease.
    pub store_answered: Option<BootTime>,
    /// A primary's: only the electors' word keeps it from falling silent.
    pub goes_on_by_word: bool,
    /// A primary's: from when on it is silent.
    pub deadline: Option<BootTime>,
    pub peers: Vec<PeerView>,
    /// A primary's: who has a row, also while it is away.
    pub registered: BTreeSet<StandbyId>,
    /// What a failover to this node could lose now; `None` on a primary.
    pub loss_bound: Option<super::LossBound>,
    /// The last request that came and that this node has not dealt with.
    pub pending: Option<ActivationRequest>,
    /// The last request that came, dealt with or not.
    pub last_request: Option<ActivationRequest>,
}

impl Control {
    /// The lease object as last seen.
    pub fn last_lease(&self) -> Option<&Lease> {
        self.seen.as_ref().map(|seen| &seen.lease)
    }

    /// When the store last answered about the lease.
    pub fn store_answered(&self) -> Option<BootTime> {
        self.store_answered
    }

    pub fn view(&self, now: BootTime) -> ControlView {
        let (deadline, peers) = match &self.role {
            Role::Primary(primary) => {
                let peers = primary.peers.iter().map(|(standby, peer)| PeerView {
                    standby: standby.clone(),
                    heads: peer.heads.clone(),
                    heard: peer.heard,
                    state_diverged: self.facts.diverged_standbys.contains(standby),
                });
                (Some(primary.deadline), peers.collect())
            }
            _ => (None, Vec::new()),
        };
        let lease = self.seen.as_ref().map(|s| LeaseView {
            lease: s.lease.clone(),
            seen_since: s.since,
        });
        let loss_bound = match (&self.role, &self.seen) {
            (Role::Standby(_), Some(seen)) => Some(super::loss::loss_bound(
                &self.setup,
                &seen.lease,
                &self.facts,
                now,
            )),
            _ => None,
        };
        let registered = match (&self.role, &self.seen) {
            (Role::Primary(primary), Some(seen)) => primary.registered(&seen.lease),
            _ => BTreeSet::new(),
        };
        ControlView {
            viewed_at: now,
            role: self.role_name(now),
            promised: self.promised,
            lease,
            store_answered: self.store_answered,
            goes_on_by_word: match &self.role {
                Role::Primary(primary) => primary.goes_on_by_word(),
                _ => false,
            },
            deadline,
            peers,
            registered,
            loss_bound,
            pending: self.inbox.open().cloned(),
            last_request: self.inbox.last().cloned(),
        }
    }

    pub fn role_name(&self, now: BootTime) -> RoleName {
        match &self.role {
            Role::Standby(_) => RoleName::Standby,
            Role::Promoting(promotion) if promotion.is_claimed() => RoleName::Claimed,
            Role::Promoting(_) => RoleName::Promoting,
            Role::Primary(primary) if primary.pause.is_some() => RoleName::HandingOver,
            Role::Primary(primary) if now >= primary.deadline => RoleName::Lapsed,
            Role::Primary(_) => RoleName::Primary,
            Role::Ended => RoleName::Ended,
        }
    }
}
