//! An operator's word that an automatic failover has been looked at: the
//! primary takes its mark out of the lease, and another one may happen.

use super::event::{Action, Moment, Notice, Step};
use super::primary::renewed;
use super::{Control, Role, Seen};
use crate::activation::RequestId;
use understudy_types::Epoch;

impl Control {
    pub(super) fn note_acknowledgement(
        &mut self,
        id: RequestId,
        expect_epoch: Epoch,
        out: &mut Vec<Action>,
    ) {
        match self.judge_acknowledgement(expect_epoch) {
            Some(step) => out.push(Action::Notify(Notice::Activation { id, step })),
            None => self.acknowledging = Some(id),
        }
    }

    /// `None`: it is to be written.
    fn judge_acknowledgement(&self, expect_epoch: Epoch) -> Option<Step> {
        let (Role::Primary(_), Some(seen)) = (&self.role, &self.seen) else {
            return Some(Step::refused(
                "E313",
                "this node is not the primary, and only the primary writes the lease",
                "ask the primary: `understudy status` names it",
            ));
        };
        let lease = &seen.lease;
        if lease.epoch != expect_epoch {
            let fact = format!(
                "the acknowledgement expects epoch {expect_epoch}, the lease is at {}",
                lease.epoch
            );
            let way_out = "look at `understudy status`, and ask again with the epoch that it shows";
            return Some(Step::refused("E301", fact, way_out));
        }
        if lease.unacknowledged.is_none() {
            return Some(Step::AlreadyDone {
                holder: self.setup.me.node.clone(),
                epoch: lease.epoch,
            });
        }
        self.acknowledging.is_some().then(|| {
            Step::refused(
                "E205",
                "another acknowledgement is being written",
                "wait, and look at `understudy status`",
            )
        })
    }

    /// Writes the acknowledgement, and says so when it is stored.
    pub(super) fn drive_acknowledgement(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) {
        let (Role::Primary(primary), Some(id)) = (&self.role, self.acknowledging) else {
            return;
        };
        if seen.lease.unacknowledged.is_none() {
            self.acknowledging = None;
            let step = Step::Acknowledged(seen.lease.epoch);
            out.push(Action::Notify(Notice::Activation { id, step }));
        } else if self.desk.is_idle() && primary.pause.is_none() {
            let mut draft = renewed(&seen.lease);
            draft.unacknowledged = None;
            self.desk.write(moment, seen.etag.clone(), draft, out);
        }
    }

    /// Whoever asked hears of it when this node cannot write it any more.
    pub(super) fn give_up_acknowledgement(&mut self, out: &mut Vec<Action>) {
        if matches!(self.role, Role::Primary(_)) {
            return;
        }
        if let Some(id) = self.acknowledging.take() {
            let step = Step::refused(
                "E313",
                "this node ceased to be the primary before the acknowledgement was stored",
                "look at `understudy status`, and ask again",
            );
            out.push(Action::Notify(Notice::Activation { id, step }));
        }
    }
}
