//! A failover that no operator asks for.
//!
//! The node makes a request of its own, which is judged and carried out as an
//! operator's is. It does so over a lease that is over and has not changed for
//! the hold-off on top of that, while it stands in the stored in-sync set, and
//! not again before an operator has acknowledged the last time.

use super::event::{Action, Moment, Notice, Step};
use super::promotion::{Origin, free_at};
use super::standby::log_is_shorter;
use super::{Control, Seen};
use crate::activation::{AcceptLoss, ActivationRequest, Mode, RequestId};
use crate::lease::{AckPolicy, LeaseState};
use std::time::Duration;
use understudy_types::{BootTime, Epoch};

/// Stops a request that a stopped process has forgotten.
const VALID_MILLIS: u64 = 60_000;

/// Why a node that may act by itself does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reluctance {
    #[error(
        "under ack policy `local` it could lose acknowledged writes; set ack_policy = \"replicated\", or ask with `understudy failover`"
    )]
    Local,
    #[error(
        "the lease was released in order, so whoever ended the primary decides: start it again, or ask with `understudy failover`"
    )]
    Released,
    #[error(
        "another promotion has begun and not ended; look at `understudy status`, then ask with `understudy failover`"
    )]
    Underway,
    #[error(
        "this node is not in the in-sync set, so it could lose acknowledged writes; ask with `understudy failover` if that is accepted"
    )]
    NotInSync,
    #[error(
        "epoch {0} was taken by an automatic failover that no operator has acknowledged; find out why, then ask with `understudy failover`"
    )]
    Unacknowledged(Epoch),
    #[error("its log is shorter than the lease says it was")]
    ShorterLog,
    #[error("its state differs from the primary's; make it anew with `understudy rebuild`")]
    Diverged,
    #[error("its log is damaged; restart it, so that it fetches the damaged end anew")]
    DamagedLog,
}

/// What a standby remembers to act by itself.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Since when the store has answered without a long silence.
    answering_since: Option<BootTime>,
    /// This node's own last request, and when it was made.
    asked: Option<(RequestId, BootTime)>,
    /// Said once, not at every poll.
    told: Option<(Epoch, Reluctance)>,
}

impl Watch {
    /// The store answers. After a silence the holder could not renew either,
    /// perhaps: it gets the hold-off to come back.
    pub(super) fn note_answer(
        &mut self,
        former: Option<BootTime>,
        now: BootTime,
        patience: Duration,
    ) {
        let goes_on = former.is_some_and(|former| now.since(former) <= patience);
        if !goes_on {
            self.answering_since = Some(now);
        }
    }

    pub(super) fn origin(&self, id: RequestId) -> Origin {
        match self.asked {
            Some((own, _)) if own == id => Origin::Automatic,
            _ => Origin::Operator,
        }
    }

    /// From when on the lease has stood still for long enough.
    fn due(&self, seen: &Seen, hold_off: Duration) -> Option<BootTime> {
        let asked = self.asked.map(|(_, at)| at).unwrap_or_default();
        let from = free_at(seen).max(self.answering_since?).max(asked);
        Some(from + hold_off)
    }
}

/// The lease turned out to be alive, or no longer this node's to take.
pub(super) fn not_over(fact: String) -> Step {
    let way_out = "this node stays a standby, and goes on watching";
    Step::refused("E314", fact, way_out)
}

impl Control {
    fn reluctance(&self, seen: &Seen) -> Option<Reluctance> {
        let lease = &seen.lease;
        if lease.ack_policy == AckPolicy::Local {
            Some(Reluctance::Local)
        } else if lease.state == LeaseState::Released {
            Some(Reluctance::Released)
        } else if lease.state == LeaseState::Claimed || lease.handover.is_some() {
            Some(Reluctance::Underway)
        } else if !lease.in_sync.contains(&self.setup.me.standby_id()) {
            Some(Reluctance::NotInSync)
        } else if let Some(epoch) = lease.unacknowledged {
            Some(Reluctance::Unacknowledged(epoch))
        } else if self.facts.log_damaged {
            Some(Reluctance::DamagedLog)
        } else if self.facts.state_diverged {
            Some(Reluctance::Diverged)
        } else {
            log_is_shorter(self, lease).then_some(Reluctance::ShorterLog)
        }
    }

    /// Makes a request of this node's own, when it may and the time has come.
    pub(super) fn ask_itself(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Some(hold_off) = self.setup.failover.hold_off() else {
            return;
        };
        let Some(holder) = &seen.lease.holder else {
            return;
        };
        let reluctance = self.reluctance(seen);
        let due = self.watch.due(seen, hold_off);
        let is_due = due.is_some_and(|due| due <= moment.now) && self.store_is_fresh(moment.now);
        if let Some(why) = reluctance {
            // That a policy rules it out is known before anything happens.
            if is_due || why == Reluctance::Local {
                self.tell_reluctance(seen, why, out);
            }
            return;
        }
        if !is_due || self.inbox.open().is_some() {
            return;
        }
        let stood_still = moment.now.since(seen.since).as_secs_f64();
        let request = ActivationRequest {
            format: ActivationRequest::FORMAT,
            id: RequestId::from_bytes(moment.entropy),
            cluster: self.setup.cluster,
            mode: Mode::Failover,
            target: self.setup.me.node.clone(),
            expect_epoch: seen.lease.epoch,
            expect_holder: Some(holder.node.clone()),
            accept_loss: AcceptLoss::Nothing,
            fenced_by: None,
            overrides: Vec::new(),
            by: "automatic".to_owned(),
            reason: format!("the lease stood still for {stood_still:.1} s"),
            not_after_ms: moment.wall_millis.saturating_add(VALID_MILLIS),
        };
        self.watch.asked = Some((request.id, moment.now));
        out.push(Action::Notify(Notice::AsksItself(Box::new(
            request.clone(),
        ))));
        self.note_request(moment, request, out);
    }

    fn tell_reluctance(&mut self, seen: &Seen, why: Reluctance, out: &mut Vec<Action>) {
        let said = Some((seen.lease.epoch, why));
        if self.watch.told != said {
            self.watch.told = said;
            out.push(Action::Notify(Notice::NoAutomaticFailover(why)));
        }
    }

    /// Why this node's own request is void by the lease as it is now.
    pub(super) fn own_request_is_void(&self, moment: &Moment, seen: &Seen) -> Option<Step> {
        if moment.now < free_at(seen) {
            return Some(not_over("the lease was renewed after all".to_owned()));
        }
        self.reluctance(seen).map(|why| not_over(why.to_string()))
    }
}
