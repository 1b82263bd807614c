//! What a promotion does next, and how it ends without an epoch.

use super::{Cause, Drain, Origin, Stage};
use crate::control::activate::{Judgement, judge_as_standby, loss_refused};
use crate::control::event::{Action, Moment, Notice, Step};
use crate::control::loss::LossBound;
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
        if let Some(role) = self.take_over(out) {
            return Some(role);
        }
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        match &promotion.stage {
            Stage::Promising if self.promised >= promotion.epoch => {
                let step = Step::Promised(promotion.epoch);
                promotion.tell(step, out);
                promotion.stage = Stage::Taking;
                self.take_epoch(moment, &seen, out)
            }
            Stage::Promising => None,
            Stage::Taking => self.take_epoch(moment, &seen, out),
            Stage::Waiting { .. } | Stage::Closing { .. } | Stage::Draining => {
                self.wait(moment, out);
                self.finish_streams(&seen, out);
                self.finish_drain(out);
                self.hold_epoch(moment, &seen, out)
            }
            Stage::Gap { .. } => {
                self.look_for_word(moment, &seen, out);
                self.hold_epoch(moment, &seen, out)
            }
            Stage::Holding { .. } => self.hold_epoch(moment, &seen, out),
        }
    }

    /// A write of ours landed, perhaps.
    fn take_over(&mut self, out: &mut Vec<Action>) -> Option<Role> {
        let Role::Promoting(promotion) = &mut self.role else {
            return None;
        };
        let won = promotion.won.take()?;
        self.taken(won, out)
    }

    /// The claim stands: goes on once the old lease is over.
    fn wait(&mut self, moment: &Moment, out: &mut Vec<Action>) {
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        let Stage::Waiting { free_at } = promotion.stage else {
            return;
        };
        let over = promotion.over.why;
        let said = "its holder said that it is silent";
        let passed = "its time has passed";
        let why = over
            .or(promotion.is_drained().then_some(said))
            .or((free_at <= moment.now).then_some(passed));
        if let Some(why) = why {
            promotion.stage = Stage::Closing { why };
            self.close_streams(out);
        }
    }

    /// The ends of the streams are known: what the slots hold comes next.
    fn finish_streams(&mut self, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        let Stage::Closing { why } = promotion.stage else {
            return;
        };
        let Some(heads) = promotion.stopped.clone() else {
            return;
        };
        promotion.tell(Step::Fenced { why }, out);
        promotion.stage = match promotion.over.drain {
            Drain::NotNeeded => Stage::Holding { heads },
            Drain::Needed => {
                out.push(Action::Drain {
                    epoch: promotion.epoch,
                    first: seen.lease.fallback.first.clone(),
                    history: seen.lease.history.clone(),
                });
                Stage::Draining
            }
        };
    }

    fn finish_drain(&mut self, out: &mut Vec<Action>) {
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        let (Stage::Draining, Some(drained)) = (&promotion.stage, promotion.drained.clone()) else {
            return;
        };
        let step = Step::Drained {
            complete: drained.complete,
        };
        promotion.tell(step, out);
        let heads = drained.heads;
        if promotion.found_gap() && !promotion.is_drained() {
            promotion.bound = LossBound::Unknown;
        }
        if promotion.has_word_for_bound() {
            promotion.stage = Stage::Holding { heads };
            return;
        }
        out.push(Action::Notify(Notice::SlotsHaveGap {
            epoch: promotion.epoch,
        }));
        promotion.stage = Stage::Gap { heads };
    }

    /// Only an operator may accept what the gap loses: the claim stands until
    /// one does.
    fn look_for_word(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Some(request) = self.inbox.open().cloned() else {
            return;
        };
        let Some(store_is_fresh) = self.store_is_fresh_for_request(moment) else {
            return;
        };
        let judgement = judge_as_standby(&self.case(&request, store_is_fresh, seen, moment));
        let judgement = match judgement {
            Judgement::Act { .. } if !LossBound::Unknown.is_accepted(request.accept_loss) => {
                Judgement::Answer(loss_refused(LossBound::Unknown))
            }
            Judgement::Act { .. } => Judgement::Act {
                bound: LossBound::Unknown,
            },
            other => other,
        };
        let Some(accepted) = self.inbox.settle(request, judgement, out) else {
            return;
        };
        let Role::Promoting(promotion) = &mut self.role else {
            return;
        };
        if let Stage::Gap { heads } = &promotion.stage {
            let heads = heads.clone();
            promotion.cause = Cause::Failover {
                request: Box::new(accepted),
                origin: Origin::Operator,
            };
            promotion.stage = Stage::Holding { heads };
        }
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
        let holder = seen.lease.holder_name();
        let step = Step::refused(
            "E301",
            format!("{holder} holds epoch {}", seen.lease.epoch),
            "this node stays a standby; look at `understudy status`",
        );
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
