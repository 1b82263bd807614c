//! Becoming the primary: promise, claim, wait, hold, open.
//!
//! Until the lease names this node as holder nothing here is visible to
//! anybody; a promotion that cannot go on leaves a standby that follows.

mod draft;
mod drive;
mod take;

use super::Seen;
use super::activate::{loss_refused, unfit};
use super::desk::Won;
use super::event::{Action, Completeness, Drained, Event, Facts, Notice, Setup, Step};
use super::loss::{LossBound, stands_at_end};
use crate::activation::{ActivationRequest, RequestId};
use crate::lease::{Consumed, Heads, Lease, LeaseState};
use crate::timing::Timing;
use understudy_types::{BootTime, Epoch};

#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// The lease is this data root's own.
    Restart,
    /// The holder named this node in the lease.
    Handover { activation: Option<Consumed> },
    /// Somebody asked for this node.
    Failover {
        request: Box<ActivationRequest>,
        origin: Origin,
    },
}

/// Who asked for a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Operator,
    /// The node itself: it takes no lease that is not over.
    Automatic,
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
    /// Claimed; the store's slots are being drained and sealed.
    Draining,
    /// They are, but have a gap: an operator must accept what that may lose.
    Gap { heads: Heads },
    /// Claimed; `held` is being written.
    Holding { heads: Heads },
}

#[derive(Debug)]
pub(super) struct Promotion {
    pub(super) cause: Cause,
    pub(super) epoch: Epoch,
    stage: Stage,
    ended: Option<Epoch>,
    /// Set when the streams have been told to end.
    stopped: Option<Heads>,
    stopping: bool,
    /// Stated before the epoch is taken, from the object it is taken over.
    pub(super) bound: LossBound,
    /// The object that the last write of ours was sent on top of.
    over: Over,
    claimed: bool,
    /// What the slots held, once they are sealed.
    drained: Option<Drained>,
    won: Option<Box<Won>>,
}

/// What is known of the holder whose epoch is taken over.
#[derive(Clone, Copy, Debug, Default)]
struct Over {
    epoch: Epoch,
    /// When that holder must have fallen silent.
    free_at: BootTime,
    /// Why it was silent for good when the epoch was taken, if it was.
    why: Option<&'static str>,
    /// Whether slots must be drained before this node may serve.
    drain: Drain,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Drain {
    #[default]
    NotNeeded,
    Needed,
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
            drained: None,
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
            Event::Drained(drained) => self.drained = Some(drained),
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
            Cause::Failover { request, .. } => Some(request.id),
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

    /// Why the epoch may not be taken now, whatever was judged before.
    fn refusal(&self, facts: &Facts) -> Option<Step> {
        // A restarted process has verified its log, and made its state from
        // it, just now.
        let judged = !matches!(self.cause, Cause::Restart);
        let unfit = judged.then(|| unfit(facts)).flatten();
        unfit.or_else(|| self.loss_refusal())
    }

    /// Why the operator's word does not cover what this promotion may lose.
    fn loss_refusal(&self) -> Option<Step> {
        let Cause::Failover { request, .. } = &self.cause else {
            return None;
        };
        let covered = self.is_drained() || self.bound.is_accepted(request.accept_loss);
        (!covered).then(|| loss_refused(self.bound))
    }

    /// Whether the slots may hold what this node has not, or may still be
    /// filled by somebody: by the lease that the epoch is taken over.
    fn drain_of(setup: &Setup, lease: &Lease, heads: &Heads) -> Drain {
        if lease.fallback.base.is_some() && !stands_at_end(setup, lease, heads) {
            Drain::Needed
        } else {
            Drain::NotNeeded
        }
    }

    /// Whether nothing that was acknowledged before is missing.
    fn is_complete(&self) -> bool {
        self.is_drained() || self.bound.is_nothing() && !self.found_gap()
    }

    /// Whether the slots were drained, and some of what they hold is missing.
    fn found_gap(&self) -> bool {
        let drained = self.drained.as_ref();
        drained.is_some_and(|drained| drained.complete == Completeness::Gap)
    }

    /// Whether what may be lost is nothing, or was accepted.
    fn has_word_for_bound(&self) -> bool {
        match &self.cause {
            Cause::Failover { .. } => self.loss_refusal().is_none(),
            Cause::Restart | Cause::Handover { .. } => {
                self.is_drained() || self.bound != LossBound::Unknown
            }
        }
    }

    fn is_automatic(&self) -> bool {
        let automatic = Origin::Automatic;
        matches!(&self.cause, Cause::Failover { origin, .. } if *origin == automatic)
    }

    fn fenced_by(&self) -> Option<&String> {
        match &self.cause {
            Cause::Failover { request, .. } => request.fenced_by.as_ref(),
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
pub(super) fn free_at(seen: &Seen) -> BootTime {
    seen.since + Timing::observer_wait(seen.lease.ttl())
}
