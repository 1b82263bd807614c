//! The lease as a promotion writes it.

use super::{Cause, Origin, Promotion};
use crate::control::event::{Facts, Setup};
use crate::control::failsafe::Failsafe;
use crate::control::registered::taken_over;
use crate::fallback::Fallback;
use crate::lease::{AckPolicy, Consumed, EpochRecord, Heads, Lease, LeaseState};
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::{Epoch, Nonce};

fn consumed(promotion: &Promotion, lease: &Lease) -> Option<Consumed> {
    match &promotion.cause {
        Cause::Failover { request, .. } => Some(request.consumed()),
        Cause::Handover {
            activation: Some(activation),
        } => Some(activation.clone()),
        _ => lease.activation.clone(),
    }
}

/// An operator's act acknowledges what happened by itself before it.
fn unacknowledged(promotion: &Promotion, base: &Lease) -> Option<Epoch> {
    match &promotion.cause {
        Cause::Failover { origin, .. } => match origin {
            Origin::Automatic => Some(promotion.epoch),
            Origin::Operator => None,
        },
        Cause::Handover {
            activation: Some(_),
        } => None,
        Cause::Restart | Cause::Handover { activation: None } => base.unacknowledged,
    }
}

/// The lease with this node's claim on it. `Claimed` keeps the old in-sync
/// set and ttl: they are still what the old holder promised.
pub(super) fn claimed_draft(setup: &Setup, promotion: &Promotion, base: &Lease) -> Lease {
    let mut draft = base.clone();
    draft.epoch = promotion.epoch;
    draft.state = LeaseState::Claimed;
    draft.holder = Some(setup.me.clone());
    draft.nonce = Nonce::from_bytes([0; 16]);
    draft.renewals = 0;
    draft.handover = None;
    draft.activation = consumed(promotion, base);
    draft.unacknowledged = unacknowledged(promotion, base);
    draft.registered = taken_over(base, &setup.me);
    draft
}

pub(super) fn held_draft(
    setup: &Setup,
    promotion: &Promotion,
    base: &Lease,
    facts: &Facts,
    heads: Heads,
) -> Lease {
    let complete = promotion.is_complete();
    let mut draft = claimed_draft(setup, promotion, base);
    draft.state = LeaseState::Held;
    draft.ttl_ms = setup.timing.ttl.as_millis() as u64;
    draft.ack_policy = setup.ack_policy;
    draft.sealed = None;
    // Whoever was in sync has all that was acknowledged before, and stays
    // counted on; under `local` nobody is.
    let was_replicated = base.ack_policy == AckPolicy::Replicated;
    if setup.ack_policy == AckPolicy::Local || !was_replicated || !complete {
        draft.in_sync.clear();
    }
    draft
        .in_sync
        .retain(|standby| standby.node != setup.me.node);
    let nobody_yet = Some(BTreeSet::new());
    draft.failsafe = nobody_yet.filter(|_| setup.failsafe == Failsafe::On);
    draft.fallback = fallback(setup, promotion, &draft, complete, &heads);
    let lossy = !complete || has_untold_loss(base, &heads);
    draft.remember(EpochRecord {
        epoch: promotion.epoch,
        holder: setup.me.node.clone(),
        forks: heads,
        lossy,
        after: facts.last_epochs.clone(),
    });
    draft
}

/// Where the new epoch's acknowledgements rest from its first one on. With no
/// standby to count on that is the store: all that is here now was complete
/// before, and what follows is stored.
fn fallback(
    setup: &Setup,
    promotion: &Promotion,
    draft: &Lease,
    complete: bool,
    heads: &Heads,
) -> Fallback {
    let mut fallback = draft.fallback.clone();
    if !complete {
        // What lies in the slots does not join this log, and is left there.
        let drained = promotion.drained.as_ref();
        let behind = drained.map(|drained| &drained.free_slots);
        fallback.leave(behind.unwrap_or(&BTreeMap::new()));
    }
    if setup.ack_policy == AckPolicy::Local || !draft.in_sync.is_empty() {
        fallback.base = None;
    } else if fallback.base.is_none() {
        let ends = heads
            .iter()
            .map(|(shard, head)| (shard.clone(), head.map(|head| head.lsn)));
        fallback.base = Some(ends.collect());
    }
    fallback
}

/// Whether the last epoch began with a loss that not every shard's log says:
/// its holder ended before the first batch. The next epoch says it instead.
fn has_untold_loss(base: &Lease, heads: &Heads) -> bool {
    base.history.last().is_some_and(|record| {
        let mut forks = record.forks.iter();
        let unbegun = |shard, fork| heads.get(shard).copied().flatten() == fork;
        record.lossy && forks.any(|(shard, fork)| unbegun(shard, *fork))
    })
}
