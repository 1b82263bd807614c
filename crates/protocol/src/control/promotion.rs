//! Becoming the primary: promise, claim, wait, hold, open.
//!
//! Until the lease names this node as holder nothing here is visible to
//! anybody; a promotion that cannot go on leaves a standby that follows.

use super::activate::loss_refused;
use super::desk::Won;
use super::event::{Action, Event, Moment, Notice, Setup, Step};
use super::loss::{LossBound, loss_bound};
use super::primary::Primary;
use super::standby::Standby;
use super::{Control, Role, Seen};
use crate::activation::{ActivationRequest, RequestId};
use crate::lease::{AckPolicy, Consumed, EpochRecord, Heads, Lease, LeaseState};
use crate::timing::Timing;
use understudy_types::{BootTime, Epoch, Nonce};

#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// The lease is this data root's own.
    Restart,
    /// The holder named this node in the lease.
    Handover { activation: Option<Consumed> },
    /// An operator asked.
    Failover(Box<ActivationRequest>),
}

#[derive(Debug)]
enum Stage {
    /// The promise is being made durable.
    Promising,
    /// The epoch is being taken: as `held` when the old lease is over, else
    /// as `claimed`.
    Taking,
    /// Claimed; the old lease runs out, its holder may still send.
    Waiting { free_at: BootTime },
    /// No batch is taken any more; the ends are being collected.
    Closing { why: &'static str },
    /// Claimed; `held` is being written.
    Holding { heads: Heads },
}

#[derive(Debug)]
pub(super) struct Promotion {
    cause: Cause,
    epoch: Epoch,
    stage: Stage,
    ended: Option<Epoch>,
    /// Set when the streams have been told to end.
    stopped: Option<Heads>,
    stopping: bool,
    /// Stated before the epoch is taken, from the object it is taken over.
    bound: LossBound,
    /// The object that the last write of ours was sent on top of.
    over: Over,
    claimed: bool,
    won: Option<Box<Won>>,
}

/// What is known of the holder whose epoch is taken over.
#[derive(Clone, Copy, Debug, Default)]
struct Over {
    epoch: Epoch,
    /// When that holder must have fallen silent.
    free_at: BootTime,
}

impl Promotion {
    pub(super) fn begin(
        cause: Cause,
        epoch: Epoch,
        ended: Option<Epoch>,
        out: &mut Vec<Action>,
    ) -> Promotion {
        out.push(Action::PersistPromise(epoch));
        out.push(Action::DrainFollowing);
        Promotion {
            cause,
            epoch,
            stage: Stage::Promising,
            ended,
            stopped: None,
            stopping: false,
            bound: LossBound::Unknown,
            over: Over::default(),
            claimed: false,
            won: None,
        }
    }

    /// A primary that needs a higher epoch, its writes held and flushed.
    pub(super) fn step_up(epoch: Epoch, heads: Heads, out: &mut Vec<Action>) -> Promotion {
        out.push(Action::PersistPromise(epoch));
        Promotion {
            stopped: Some(heads),
            stopping: true,
            ..Promotion::begin(Cause::Restart, epoch, None, &mut Vec::new())
        }
    }

    pub(super) fn deadline(&self) -> Option<BootTime> {
        match self.stage {
            Stage::Waiting { free_at } => Some(free_at),
            _ => None,
        }
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }

    pub(super) fn note(&mut self, event: Event) {
        match event {
            Event::PrimaryEnded(epoch) => self.ended = self.ended.max(Some(epoch)),
            Event::FollowingStopped(heads) => self.stopped = Some(heads),
            _ => {}
        }
    }

    pub(super) fn won(&mut self, won: Box<Won>) {
        self.won = Some(won);
    }

    fn request(&self) -> Option<RequestId> {
        match &self.cause {
            Cause::Restart => None,
            Cause::Handover { activation } => activation.as_ref().map(|a| a.id),
            Cause::Failover(request) => Some(request.id),
        }
    }

    fn tell(&self, step: Step, out: &mut Vec<Action>) {
        if let Some(id) = self.request() {
            out.push(Action::Notify(Notice::Activation { id, step }));
        }
    }

    /// Whether the holder taken over said its end, and all of it is here.
    fn is_drained(&self) -> bool {
        self.over.epoch > Epoch::FOUNDING && self.ended == Some(self.over.epoch)
    }

    /// Why the operator's word does not cover what this promotion may lose.
    fn loss_refusal(&self) -> Option<Step> {
        let Cause::Failover(request) = &self.cause else {
            return None;
        };
        let covered = self.is_drained() || self.bound.is_accepted(request.accept_loss);
        (!covered).then(|| loss_refused(self.bound))
    }

    fn fenced_by(&self) -> Option<&String> {
        match &self.cause {
            Cause::Failover(request) => request.fenced_by.as_ref(),
            _ => None,
        }
    }

    /// Why the old lease is over, if it is.
    fn free(&self, seen: &Seen, now: BootTime) -> Option<&'static str> {
        let lease = &seen.lease;
        if lease.state == LeaseState::Released {
            Some("it was released")
        } else if matches!(self.cause, Cause::Handover { .. }) {
            Some("it was handed over")
        } else if matches!(self.cause, Cause::Restart) && lease.state == LeaseState::Held {
            Some("its holder was this data root")
        } else if self.fenced_by().is_some() && lease.state == LeaseState::Held {
            // Of a claim's maker the evidence says nothing about the holder
            // that it was about to follow, who may still answer.
            Some("the operator gave evidence")
        } else if lease.holder.is_some() && self.ended == Some(lease.epoch) {
            Some("its holder said that it is silent")
        } else if free_at(seen) <= now {
            Some("its time has passed")
        } else {
            None
        }
    }
}

/// When the holder of this lease must have fallen silent, on our clock.
fn free_at(seen: &Seen) -> BootTime {
    seen.since + Timing::observer_wait(seen.lease.ttl())
}

impl Control {
    pub(super) fn drive_promotion(
        &mut self,
        moment: &Moment,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let seen = self.seen.clone().expect("a promotion begins from a lease");
        if self.shutting_down {
            // Whatever of ours stands in the lease is taken up at the next start.
            out.push(Action::StopFollowing);
            out.push(Action::Exit);
            return Some(Role::Ended);
        }
        if self.superseded(&seen) {
            return Some(self.abandon(&seen, out));
        }
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        if let Some(won) = promotion.won.take() {
            return self.taken(won, out);
        }
        match &promotion.stage {
            Stage::Promising if self.promised >= promotion.epoch => {
                let step = Step::Promised(promotion.epoch);
                promotion.tell(step, out);
                promotion.stage = Stage::Taking;
                return self.take_epoch(moment, &seen, out);
            }
            Stage::Taking => return self.take_epoch(moment, &seen, out),
            Stage::Waiting { free_at } => {
                let why = if promotion.is_drained() {
                    Some("its holder said that it is silent")
                } else {
                    (*free_at <= moment.now).then_some("its time has passed")
                };
                if let Some(why) = why {
                    promotion.stage = Stage::Closing { why };
                    self.close_streams(out);
                }
            }
            Stage::Closing { why } => {
                if let Some(heads) = promotion.stopped.clone() {
                    let why = *why;
                    promotion.tell(Step::Fenced { why }, out);
                    promotion.stage = Stage::Holding { heads };
                    return self.hold_epoch(moment, &seen, out);
                }
            }
            Stage::Holding { .. } => return self.hold_epoch(moment, &seen, out),
            Stage::Promising => {}
        }
        None
    }

    /// Whether somebody else has taken an epoch since this promotion began.
    fn superseded(&self, seen: &Seen) -> bool {
        let Role::Promoting(promotion) = &self.role else {
            return false;
        };
        if self.desk.is_writing() || promotion.won.is_some() {
            return false;
        }
        let lease = &seen.lease;
        let ours = lease.is_held_by(&self.setup.me);
        if promotion.claimed {
            return !ours;
        }
        // A handover that was withdrawn is no cause any more.
        let withdrawn = matches!(promotion.cause, Cause::Handover { .. })
            && lease
                .handover
                .as_ref()
                .is_none_or(|h| h.successor != self.setup.me.node);
        // An operator's request is void in every epoch but the one it names.
        let outdated = match &promotion.cause {
            Cause::Failover(request) => lease.epoch != request.expect_epoch,
            Cause::Restart | Cause::Handover { .. } => false,
        };
        lease.epoch >= promotion.epoch && !ours || withdrawn || outdated
    }

    fn abandon(&mut self, seen: &Seen, out: &mut Vec<Action>) -> Role {
        let holder = seen.lease.holder.as_ref().map(|holder| &holder.node);
        let holder = holder.map_or("nobody".to_owned(), ToString::to_string);
        let step = Step::Refused {
            code: "E301",
            fact: format!("{holder} holds epoch {}", seen.lease.epoch),
            way_out: "this node stays a standby; look at `understudy status`".to_owned(),
        };
        self.step_back(step, out)
    }

    /// Ends a promotion that may not go on: this node follows again.
    fn step_back(&mut self, why: Step, out: &mut Vec<Action>) -> Role {
        let Role::Promoting(promotion) = &self.role else {
            unreachable!("only promotions end so")
        };
        promotion.tell(why, out);
        out.push(Action::StopFollowing);
        // Writes that a primary held while it stepped up are still waiting.
        out.push(Action::Close);
        Role::Standby(Standby::default())
    }

    fn close_streams(&mut self, out: &mut Vec<Action>) {
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        if !std::mem::replace(&mut promotion.stopping, true) {
            out.push(Action::StopFollowing);
        }
    }

    /// Takes the epoch: as `held` when there is nothing to wait for and the
    /// ends are known, else as `claimed`.
    fn take_epoch(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) -> Option<Role> {
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        if !self.desk.is_idle() {
            return None;
        }
        let free = promotion.free(seen, moment.now);
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
        };
        // The lease may have changed since the request was judged: what counts
        // is the object that the epoch is taken over.
        if let Some(step) = promotion.loss_refusal() {
            return Some(self.step_back(step, out));
        }
        let draft = match free {
            Some(why) => {
                promotion.tell(Step::Fenced { why }, out);
                promotion.stage = Stage::Holding {
                    heads: heads.clone(),
                };
                held_draft(&self.setup, promotion, &seen.lease, heads)
            }
            None => claimed_draft(&self.setup, promotion, &seen.lease),
        };
        self.desk.write(moment, seen.etag.clone(), draft, out);
        None
    }

    /// Turns the claim into a hold, now that the old lease is over.
    fn hold_epoch(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) -> Option<Role> {
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
        if !promotion.bound.is_nothing() {
            // The old holder may have acknowledged until now.
            promotion.bound = loss_bound(&self.setup, &seen.lease, &self.facts, moment.now);
        }
        let draft = held_draft(&self.setup, promotion, &seen.lease, heads);
        self.desk.write(moment, seen.etag.clone(), draft, out);
        None
    }

    /// A write of ours landed: the claim, or the hold.
    fn taken(&mut self, won: Box<Won>, out: &mut Vec<Action>) -> Option<Role> {
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
        let request = promotion.request();
        Some(Role::Primary(Primary::open(
            &self.setup,
            &won,
            lossy,
            request,
            out,
        )))
    }
}

fn consumed(promotion: &Promotion, lease: &Lease) -> Option<Consumed> {
    match &promotion.cause {
        Cause::Failover(request) => Some(Consumed {
            id: request.id,
            mode: request.mode,
            by: request.by.clone(),
            reason: request.reason.clone(),
            fenced_by: request.fenced_by.clone(),
        }),
        Cause::Handover {
            activation: Some(activation),
        } => Some(activation.clone()),
        _ => lease.activation.clone(),
    }
}

/// The lease with this node's claim on it. `Claimed` keeps the old in-sync
/// set and ttl: they are still what the old holder promised.
fn claimed_draft(setup: &Setup, promotion: &Promotion, base: &Lease) -> Lease {
    let mut draft = base.clone();
    draft.epoch = promotion.epoch;
    draft.state = LeaseState::Claimed;
    draft.holder = Some(setup.me.clone());
    draft.nonce = Nonce::from_bytes([0; 16]);
    draft.renewals = 0;
    draft.handover = None;
    draft.activation = consumed(promotion, base);
    draft
}

fn held_draft(setup: &Setup, promotion: &Promotion, base: &Lease, heads: Heads) -> Lease {
    let complete = promotion.bound.is_nothing() || promotion.is_drained();
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
    let lossy = !complete || has_untold_loss(base, &heads);
    draft.remember(EpochRecord {
        epoch: promotion.epoch,
        holder: setup.me.node.clone(),
        forks: heads,
        lossy,
    });
    draft
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
