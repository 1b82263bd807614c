//! Following the holder of the lease, and noticing when to stop.

use super::activate::{Judgement, judge_as_standby};
use super::event::{Action, Event, Moment, Notice, Step};
use super::loss::{LossBound, reached};
use super::promotion::{Cause, Origin, Promotion};
use super::{Control, Role, Seen};
use crate::activation::{ActivationRequest, Mode};
use crate::lease::{Lease, LeaseState};
use understudy_types::{BootTime, Epoch, Nonce, lsn_value};

#[derive(Debug, Default)]
pub(super) struct Standby {
    /// The epoch and incarnation that the data plane was told to follow.
    following: Option<(Epoch, Nonce, Epoch)>,
    /// A promise is being made durable.
    promising: Option<Epoch>,
    /// The primary of this epoch said that it is silent for good.
    pub(super) ended: Option<Epoch>,
    /// Said once, not at every poll.
    told_short_log: bool,
}

impl Standby {
    pub(super) fn note(&mut self, event: Event) {
        if let Event::PrimaryEnded(epoch) = event {
            self.ended = self.ended.max(Some(epoch));
        }
    }
}

/// Why this node may take the lease without being asked by an operator now.
fn own_cause(control: &Control, seen: &Seen, now: BootTime) -> Option<Cause> {
    let me = &control.setup.me;
    let lease = &seen.lease;
    if let Some(handover) = &lease.handover {
        // A state that differs serves nobody: the primary withdraws the name.
        let named = handover.successor == me.node
            && !control.facts.state_diverged
            && !control.facts.log_damaged
            && reached(&control.setup, &handover.sealed, &control.facts.heads);
        if named {
            return Some(Cause::Handover {
                activation: handover.activation.clone(),
            });
        }
        // A holder that crashed while it handed over leaves the successor
        // its time first.
        if now < seen.since + 2 * control.setup.timing.handover_timeout {
            return None;
        }
    }
    // The former process on this data root is gone: the root is locked.
    lease.is_of_data_root(me).then_some(Cause::Restart)
}

/// Whether a log holds less than the lease says it held when its last epoch
/// began: an emptied or restored disk.
pub(super) fn log_is_shorter(control: &Control, lease: &Lease) -> bool {
    lease.history.last().is_some_and(|record| {
        record.forks.iter().any(|(shard, fork)| {
            let here = control.facts.heads.get(shard).copied().flatten();
            lsn_value(here.map(|p| p.lsn)) < lsn_value(fork.map(|p| p.lsn))
        })
    })
}

impl Control {
    pub(super) fn drive_standby(&mut self, moment: &Moment, out: &mut Vec<Action>) -> Option<Role> {
        if self.shutting_down {
            out.push(Action::StopFollowing);
            out.push(Action::Exit);
            return Some(Role::Ended);
        }
        let seen = self.seen.clone()?;
        if let Some(cause) = own_cause(self, &seen, moment.now) {
            if log_is_shorter(self, &seen.lease) {
                self.tell_short_log(out);
            } else if self.hook_allows(&seen, &cause, out) {
                return self.promote(&seen, cause, out);
            }
        }
        if let Some(role) = self.drive_hooked_failover(moment, &seen, out) {
            return Some(role);
        }
        if !self.hooks.is_running() {
            self.ask_itself(moment, &seen, out);
            if let Some(role) = self.judge_request(moment, &seen, out) {
                return Some(role);
            }
        }
        self.follow(&seen, out);
        None
    }

    fn tell_short_log(&mut self, out: &mut Vec<Action>) {
        let Role::Standby(standby) = &mut self.role else {
            return;
        };
        if !std::mem::replace(&mut standby.told_short_log, true) {
            out.push(Action::Notify(Notice::LogShorterThanLease));
        }
    }

    fn judge_request(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let request = self.inbox.open()?.clone();
        let store_is_fresh = self.store_is_fresh_for_request(moment)?;
        let origin = self.watch.origin(request.id);
        let judgement = self.judge(moment, seen, &request, origin, store_is_fresh);
        let bound = match judgement {
            Judgement::Act { bound } => bound,
            Judgement::Answer(_) | Judgement::NotOurs => LossBound::Unknown,
        };
        let accepted = self.inbox.settle(request, judgement, out)?;
        self.begin_failover(seen, Box::new(accepted), origin, bound, out)
    }

    fn judge(
        &self,
        moment: &Moment,
        seen: &Seen,
        request: &ActivationRequest,
        origin: Origin,
        store_is_fresh: bool,
    ) -> Judgement {
        let void = match origin {
            Origin::Automatic if store_is_fresh => self.own_request_is_void(moment, seen),
            Origin::Automatic | Origin::Operator => None,
        };
        let refused = || match request.mode {
            Mode::Failover if request.target == self.setup.me.node && store_is_fresh => {
                self.elector_refusal(&seen.lease, request, moment.now)
            }
            Mode::Failover | Mode::Switchover => None,
        };
        void.or_else(refused).map_or_else(
            || judge_as_standby(&self.case(request, store_is_fresh, seen, moment)),
            Judgement::Answer,
        )
    }

    /// Why a failover that was accepted may not begin any more.
    pub(super) fn refusal_now(
        &self,
        moment: &Moment,
        seen: &Seen,
        request: &ActivationRequest,
        origin: Origin,
    ) -> Option<Step> {
        let store_is_fresh = self.store_is_fresh(moment.now);
        match self.judge(moment, seen, request, origin, store_is_fresh) {
            Judgement::Act { .. } => None,
            Judgement::Answer(step) => Some(step),
            Judgement::NotOurs => unreachable!("it was this node's, and a failover"),
        }
    }

    pub(super) fn promote(
        &mut self,
        seen: &Seen,
        cause: Cause,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let Role::Standby(standby) = &self.role else {
            return None;
        };
        let epoch = seen.lease.epoch.max(self.promised).next();
        let promotion = Promotion::begin(cause, epoch, standby.ended, out);
        Some(Role::Promoting(Box::new(promotion)))
    }

    /// Promises the holder's epoch, then follows it.
    fn follow(&mut self, seen: &Seen, out: &mut Vec<Action>) {
        let lease = &seen.lease;
        let Role::Standby(standby) = &mut self.role else {
            return;
        };
        let Some(holder) = &lease.holder else { return };
        let own_name = holder.node == self.setup.me.node;
        if own_name || lease.state != LeaseState::Held {
            return;
        }
        if lease.epoch > self.promised {
            if standby.promising < Some(lease.epoch) {
                standby.promising = Some(lease.epoch);
                out.push(Action::PersistPromise(lease.epoch));
            }
            return;
        }
        let target = (lease.epoch, holder.incarnation, self.promised);
        if standby.following == Some(target) {
            return;
        }
        standby.following = Some(target);
        let notice = if self.promised > lease.epoch {
            Notice::PromisedBeyondLease {
                lease: lease.epoch,
                promised: self.promised,
            }
        } else {
            Notice::Following {
                primary: holder.node.clone(),
                epoch: lease.epoch,
            }
        };
        out.push(Action::Notify(notice));
        out.push(Action::Follow {
            epoch: lease.epoch,
            promised: self.promised,
            primary: Box::new(holder.clone()),
        });
    }
}
