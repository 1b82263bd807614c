//! Small changes of the lease that an operator asks the primary for: that an
//! automatic failover has been looked at, and another one may happen; that a
//! standby is gone for good, and has no row any more.

use super::event::{Action, Moment, Notice, Step};
use super::primary::renewed;
use super::registered::Registered;
use super::{Control, Role, Seen};
use crate::activation::RequestId;
use crate::lease::Lease;
use understudy_types::{Epoch, NodeId};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// The last automatic failover has been looked at.
    Acknowledge { expect_epoch: Epoch },
    /// This standby does not come back.
    Forget { standby: NodeId },
}

impl Errand {
    /// The lease without what is to be taken out of it. `None`: it is out.
    fn done_to(&self, lease: &Lease) -> Option<Lease> {
        let mut draft = renewed(lease);
        let was_there = match self {
            Errand::Acknowledge { .. } => draft.unacknowledged.take().is_some(),
            Errand::Forget { standby } => draft.registered.remove(standby).is_some(),
        };
        was_there.then_some(draft)
    }

    fn done(self, lease: &Lease) -> Step {
        match self {
            Errand::Acknowledge { .. } => Step::Acknowledged(lease.epoch),
            Errand::Forget { standby } => Step::Forgotten { standby },
        }
    }
}

/// On its way into the lease; answered under this id.
#[derive(Clone, Debug)]
pub(super) struct Running {
    id: RequestId,
    errand: Errand,
}

impl Control {
    pub(super) fn note_errand(&mut self, id: RequestId, errand: Errand, out: &mut Vec<Action>) {
        if let Some(step) = self.judge_errand(&errand) {
            out.push(Action::Notify(Notice::Activation { id, step }));
            return;
        }
        if let (Role::Primary(primary), Errand::Forget { standby }) = (&mut self.role, &errand) {
            primary.followers.forget(standby);
        }
        self.running = Some(Running { id, errand });
    }

    /// `None`: it is to be written.
    fn judge_errand(&self, errand: &Errand) -> Option<Step> {
        let (Role::Primary(primary), Some(seen)) = (&self.role, &self.seen) else {
            return Some(Step::refused(
                "E313",
                "this node is not the primary, and only the primary writes the lease",
                "ask the primary: `understudy status` names it",
            ));
        };
        let lease = &seen.lease;
        let judged = match errand {
            Errand::Acknowledge { expect_epoch } => {
                self.judge_acknowledgement(lease, *expect_epoch)
            }
            Errand::Forget { standby } => {
                let counts = lease.in_sync.iter().any(|member| member.node == *standby);
                let known = primary.followers.with_those_of(lease);
                judge_forgetting(&known, standby, counts || primary.streams(standby))
            }
        };
        judged.or_else(|| {
            self.running.is_some().then(|| {
                Step::refused(
                    "E205",
                    "another change of the lease that was asked for is being written",
                    "wait, and look at `understudy status`",
                )
            })
        })
    }

    fn judge_acknowledgement(&self, lease: &Lease, expect_epoch: Epoch) -> Option<Step> {
        if lease.epoch != expect_epoch {
            let fact = format!(
                "the acknowledgement expects epoch {expect_epoch}, the lease is at {}",
                lease.epoch
            );
            let way_out = "look at `understudy status`, and ask again with the epoch that it shows";
            return Some(Step::refused("E301", fact, way_out));
        }
        let nothing = lease.unacknowledged.is_none();
        nothing.then(|| Step::AlreadyDone {
            holder: self.setup.me.node.clone(),
            epoch: lease.epoch,
        })
    }

    /// Writes what is asked for, and says so when it is stored.
    pub(super) fn drive_errand(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let (Role::Primary(primary), Some(running)) = (&self.role, &self.running) else {
            return;
        };
        // What is under way may still bring back what is to be taken out.
        if self.desk.is_writing() {
            return;
        }
        let Some(draft) = running.errand.done_to(&seen.lease) else {
            let Running { id, errand } = running.clone();
            self.running = None;
            let step = errand.done(&seen.lease);
            out.push(Action::Notify(Notice::Activation { id, step }));
            return;
        };
        if self.desk.is_idle() && primary.pause.is_none() {
            self.desk.write(moment, seen.etag.clone(), draft, out);
        }
    }

    /// Whoever asked hears of it when this node cannot write it any more.
    pub(super) fn give_up_errand(&mut self, out: &mut Vec<Action>) {
        if matches!(self.role, Role::Primary(_)) {
            return;
        }
        if let Some(Running { id, .. }) = self.running.take() {
            let step = Step::refused(
                "E313",
                "this node ceased to be the primary before that was stored",
                "look at `understudy status`, and ask again",
            );
            out.push(Action::Notify(Notice::Activation { id, step }));
        }
    }
}

fn judge_forgetting(known: &Registered, standby: &NodeId, is_needed: bool) -> Option<Step> {
    if is_needed {
        let fact =
            format!("{standby} streams from the primary, or is counted on in the in-sync set");
        let way_out =
            "stop it, and ask again when `understudy status` shows it away and not in sync";
        return Some(Step::refused("E211", fact, way_out));
    }
    let names: Vec<_> = known.keys().map(NodeId::as_str).collect();
    let unknown = !known.contains_key(standby);
    unknown.then(|| {
        let fact = match names.is_empty() {
            true => format!("no standby is registered, so {standby} is not either"),
            false => format!("{standby} is not registered; {} is", names.join(", ")),
        };
        Step::refused(
            "E212",
            fact,
            "give the name of a standby that `understudy status` shows",
        )
    })
}
