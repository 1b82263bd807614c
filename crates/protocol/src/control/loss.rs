//! What a promotion may lose, stated before it. Never too small.

use super::event::{Facts, Setup};
use super::insync::AckHome;
use crate::activation::AcceptLoss;
use crate::fallback::{Shared, shared_with_line};
use crate::lease::{AckPolicy, Heads, Lease, LeaseState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use understudy_types::{BootTime, Epoch, Lsn, ShardName, lsn_value};

/// What the stream has said about the primary of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Of which the stream was.
    pub epoch: Epoch,
    /// The primary's flushed watermark in the last heartbeat.
    pub flushed: Option<Lsn>,
    /// A moment on this node's clock at which the primary certainly had no
    /// record that is not flushed here now.
    pub complete_as_of: BootTime,
}

/// Until when each epoch was certainly the newest: when the last read that
/// showed it was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed(BTreeMap<Epoch, BootTime>);

impl Confirmed {
    /// How many epochs are remembered; of older ones nothing is certain.
    const KEPT: usize = 8;

    pub(super) fn note(&mut self, epoch: Epoch, sent_at: BootTime) {
        let at = self.0.entry(epoch).or_insert(sent_at);
        *at = (*at).max(sent_at);
        if self.0.len() > Self::KEPT {
            self.0.pop_first();
        }
    }

    /// A stream of an epoch that was taken over meanwhile tells nothing of
    /// what its successor acknowledged: what it said holds up to when no
    /// successor can have been.
    pub(super) fn cap(&self, lease: &Lease, known: &mut BTreeMap<ShardName, Known>) {
        let newest = lease.history.last().map_or(lease.epoch, |last| last.epoch);
        known.retain(|_, known| {
            if known.epoch >= newest {
                return true;
            }
            let Some(until) = self.0.get(&known.epoch) else {
                return false;
            };
            known.complete_as_of = known.complete_as_of.min(*until);
            true
        });
    }
}

/// What is acknowledged on the primary and may be missing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossBound {
    Nothing,
    /// At least so many records are known to be missing, and nothing that was
    /// acknowledged earlier than this long ago.
    Recent {
        records_known: u64,
        within: Duration,
    },
    /// The primary has not yet said where it stands, since this node follows
    /// it.
    Unknown,
}

impl LossBound {
    /// Whether the operator's word covers it.
    pub(crate) fn is_accepted(&self, accepted: AcceptLoss) -> bool {
        match (self, accepted) {
            (LossBound::Nothing, _) | (_, AcceptLoss::Unknown) => true,
            (LossBound::Recent { within, .. }, AcceptLoss::Seconds(seconds)) => {
                *within <= Duration::from_secs(seconds)
            }
            _ => false,
        }
    }

    /// The same bound, told so much later.
    pub fn aged(self, by: Duration) -> LossBound {
        match self {
            LossBound::Recent {
                records_known,
                within,
            } => LossBound::Recent {
                records_known,
                within: within + by,
            },
            LossBound::Nothing | LossBound::Unknown => self,
        }
    }

    pub fn is_nothing(&self) -> bool {
        *self == LossBound::Nothing
    }
}

impl std::fmt::Display for LossBound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LossBound::Nothing => f.write_str("no acknowledged write"),
            LossBound::Recent {
                records_known,
                within,
            } => write!(
                f,
                "writes acknowledged in the last {:.1} s ({records_known} records known to be missing)",
                within.as_secs_f64() + 0.05
            ),
            LossBound::Unknown => {
                f.write_str("unknown: the primary has not yet said where it stands")
            }
        }
    }
}

/// The bound for a promotion of this node on top of `lease`.
pub(crate) fn loss_bound(setup: &Setup, lease: &Lease, facts: &Facts, now: BootTime) -> LossBound {
    if holds_everything(setup, lease, facts) {
        return LossBound::Nothing;
    }
    let mut records_known = 0;
    let mut within = Duration::ZERO;
    for shard in &setup.shards {
        let Some(known) = facts.known.get(shard) else {
            return LossBound::Unknown;
        };
        let here = lsn_value(facts.heads.get(shard).copied().flatten().map(|p| p.lsn));
        records_known += lsn_value(known.flushed).saturating_sub(here);
        within = within.max(now.since(known.complete_as_of));
    }
    LossBound::Recent {
        records_known,
        within,
    }
}

/// Whether every acknowledged record is certainly here: by the in-sync set,
/// by the seal of a hand-over or a release, or because nobody ever served; or
/// will be, once the promotion has drained the slots.
fn holds_everything(setup: &Setup, lease: &Lease, facts: &Facts) -> bool {
    stands_at_end(setup, lease, &facts.heads)
        || lease.ack_policy == AckPolicy::Replicated
            && (lease.in_sync.contains(&setup.me.standby_id()) || reaches_base(setup, lease, facts))
}

/// Whether this node's logs join what is in the slots, on every shard: they
/// have what was acknowledged before acknowledgements rested in the store.
fn reaches_base(setup: &Setup, lease: &Lease, facts: &Facts) -> bool {
    AckHome::of(lease) == AckHome::Store
        && setup.shards.iter().all(|shard| {
            let base = lease.fallback.base_of(shard);
            let Some(head) = facts.heads.get(shard).copied().flatten() else {
                return base.is_none();
            };
            let Some(epoch) = facts.last_epochs.get(shard) else {
                return false;
            };
            match shared_with_line(&lease.history, shard, *epoch, head) {
                Shared::All => Some(head.lsn) >= base,
                Shared::Upto(Some(shared)) => Some(shared.lsn) >= base,
                // Such a log is never wiped without an operator's word.
                Shared::Upto(None) | Shared::Unknown => false,
            }
        })
}

/// Whether this node's logs end where the last holder's do, for good.
pub(super) fn stands_at_end(setup: &Setup, lease: &Lease, heads: &Heads) -> bool {
    let me = &setup.me;
    // A mere claim of ours says nothing about what its former holder had.
    let own = lease.state != LeaseState::Claimed
        && lease
            .holder
            .as_ref()
            .is_some_and(|h| h.data_id == me.data_id);
    let released = lease.state == LeaseState::Released
        && lease
            .sealed
            .as_ref()
            .is_some_and(|sealed| reached(setup, sealed, heads));
    let handed = lease.handover.as_ref().is_some_and(|handover| {
        handover.successor == me.node && reached(setup, &handover.sealed, heads)
    });
    own || released || handed
}

/// Whether this node stands exactly at the sealed positions. A shard that the
/// seal does not name was empty.
pub(crate) fn reached(setup: &Setup, sealed: &Heads, heads: &Heads) -> bool {
    setup
        .shards
        .iter()
        .all(|shard| sealed.get(shard).copied().flatten() == heads.get(shard).copied().flatten())
}
