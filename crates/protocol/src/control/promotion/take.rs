//! The writes that take the epoch, and what follows when one landed.

use super::draft::{claimed_draft, held_draft};
use super::{Cause, Drain, Over, Promotion, Stage, free_at};
use crate::control::automatic::not_over;
use crate::control::desk::Won;
use crate::control::event::{Action, Moment, Step};
use crate::control::hooks::hook_after;
use crate::control::loss::loss_bound;
use crate::control::primary::{Opening, Primary};
use crate::control::{Control, Role, Seen};
use crate::lease::LeaseState;
use std::collections::BTreeMap;

impl Control {
    /// Takes the epoch: as `held` when there is nothing to wait for and the
    /// ends are known, else as `claimed`.
    pub(super) fn take_epoch(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let Role::Promoting(promotion) = &self.role else {
            return None;
        };
        let bound_by_word = match &promotion.cause {
            Cause::Failover { request, .. } => {
                self.elector_refusal(&seen.lease, request, moment.now)
            }
            Cause::Restart | Cause::Handover { .. } => None,
        };
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        if !self.desk.is_idle() {
            return None;
        }
        let free = promotion.free(seen, moment.now);
        if free.is_none() && promotion.is_automatic() {
            // Nobody asked to take an epoch from a holder that is back.
            let step = not_over("the lease was renewed after all".to_owned());
            return Some(self.step_back(step, out));
        }
        if free.is_some() && promotion.stopped.is_none() {
            self.close_streams(out);
            return None;
        }
        let heads = promotion
            .stopped
            .clone()
            .unwrap_or_else(|| self.facts.heads.clone());
        self.facts.heads = heads.clone();
        promotion.bound = loss_bound(&self.setup, &seen.lease, &self.facts, moment.now);
        promotion.over = Over {
            epoch: seen.lease.epoch,
            free_at: free_at(seen),
            why: free,
            drain: Promotion::drain_of(&self.setup, &seen.lease, &heads),
        };
        // The lease may have changed since the request was judged: what counts
        // is the object that the epoch is taken over, and the state now.
        let refusal = promotion.refusal(&self.facts);
        if let Some(step) = refusal.or(bound_by_word) {
            return Some(self.step_back(step, out));
        }
        let draft = match (free, promotion.over.drain) {
            (Some(why), Drain::NotNeeded) => {
                promotion.tell(Step::Fenced { why }, out);
                promotion.stage = Stage::Holding {
                    heads: heads.clone(),
                };
                held_draft(&self.setup, promotion, &seen.lease, &self.facts, heads)
            }
            (None, _) | (_, Drain::Needed) => claimed_draft(&self.setup, promotion, &seen.lease),
        };
        self.desk.write(moment, seen.etag.clone(), draft, out);
        None
    }

    /// Turns the claim into a hold, now that the old lease is over.
    pub(super) fn hold_epoch(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        let Stage::Holding { heads } = &promotion.stage else {
            return None;
        };
        if !self.desk.is_idle() {
            return None;
        }
        if !promotion.claimed && !seen.lease.is_held_by(&self.setup.me) {
            // The write that would have taken the epoch lost to a renewal.
            promotion.stage = Stage::Taking;
            return self.take_epoch(moment, seen, out);
        }
        let heads = heads.clone();
        self.facts.heads = heads.clone();
        if !promotion.bound.is_nothing() && !promotion.found_gap() {
            // The old holder may have acknowledged until now.
            promotion.bound = loss_bound(&self.setup, &seen.lease, &self.facts, moment.now);
        }
        let draft = held_draft(&self.setup, promotion, &seen.lease, &self.facts, heads);
        self.desk.write(moment, seen.etag.clone(), draft, out);
        None
    }

    /// A write of ours landed: the claim, or the hold.
    pub(super) fn taken(&mut self, won: Box<Won>, out: &mut Vec<Action>) -> Option<Role> {
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        if won.lease.state == LeaseState::Claimed {
            promotion.claimed = true;
            promotion.tell(Step::Claimed(promotion.epoch), out);
            // The object that the claim replaced is the last that the old
            // holder can have written: its time counts from when we saw it.
            promotion.stage = Stage::Waiting {
                free_at: promotion.over.free_at,
            };
            return None;
        }
        let Stage::Holding { heads } = &promotion.stage else {
            unreachable!("`held` is written only from the holding stage")
        };
        let lossy = won.lease.history.last().is_some_and(|record| record.lossy);
        let taken = Step::Taken {
            epoch: promotion.epoch,
            lossy,
            heads: heads.clone(),
            bound: promotion.bound,
        };
        promotion.tell(taken, out);
        let former = won.lease.history.iter().rev().nth(1);
        let from = former.map(|record| record.holder.clone());
        let drained = promotion.drained.take();
        let opening = Opening {
            request: promotion.request(),
            hook: hook_after(&self.setup, promotion, from),
            lossy,
            drained_to: drained.map_or_else(BTreeMap::new, |drained| drained.free_slots),
        };
        Some(Role::Primary(Box::new(Primary::open(
            &self.setup,
            &won,
            opening,
            out,
        ))))
    }
}
