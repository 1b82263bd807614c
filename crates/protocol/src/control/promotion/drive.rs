//! What a promotion does next, and how it ends without an epoch.

use super::Cause;
use super::Stage;
use crate::control::event::{Action, Moment, Step};
use crate::control::standby::Standby;
use crate::control::{Control, Role, Seen};

impl Control {
    pub(in crate::control) fn drive_promotion(
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
        let outdated = match &promotion.cause {
            // A request is void in every epoch but the one it names.
            Cause::Failover { request, .. } => lease.epoch != request.expect_epoch,
            // And what was this data root's own may be another's by now, also
            // in an epoch below one that is promised here.
            Cause::Restart => !lease.is_of_data_root(&self.setup.me),
            Cause::Handover { .. } => false,
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
    pub(super) fn step_back(&mut self, why: Step, out: &mut Vec<Action>) -> Role {
        let Role::Promoting(promotion) = &self.role else {
            unreachable!("only promotions end so")
        };
        promotion.tell(why, out);
        out.push(Action::StopFollowing);
        // Writes that a primary held while it stepped up are still waiting.
        out.push(Action::Close);
        Role::Standby(Standby::default())
    }

    pub(super) fn close_streams(&mut self, out: &mut Vec<Action>) {
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        if !std::mem::replace(&mut promotion.stopping, true) {
            out.push(Action::StopFollowing);
        }
    }
}
