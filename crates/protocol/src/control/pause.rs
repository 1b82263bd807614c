//! Times in which the primary holds new writes: to hand over, to release the
//! lease at its end, or to take a higher epoch.

use super::desk::Desk;
use super::event::{Action, Moment, Notice, Setup, Step};
use super::primary::{Primary, renewed};
use super::{Control, Role, Seen};
use crate::activation::{ActivationRequest, RequestId};
use crate::lease::{Consumed, Handover, Heads, Lease, LeaseState};
use std::time::Duration;
use understudy_types::{BootTime, Epoch, NodeId};

#[derive(Clone, Debug)]
pub(super) enum Purpose {
    HandOver(Box<ActivationRequest>),
    Release,
    StepUp(Epoch),
}

#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Until the log is flushed to its end, the target has it, and every
    /// write that was given a place is answered.
    Draining,
    /// The successor or the release is being written into the lease.
    Announcing,
    /// The lease names the successor; only a withdrawal brings us back.
    Announced {
        since: BootTime,
    },
    Withdrawing,
}

#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) purpose: Purpose,
    pub(super) stage: Stage,
    since: BootTime,
    give_up_after: Duration,
    pub(super) sealed: Option<Heads>,
    pub(super) answered: bool,
    /// No answer may leave: others may serve any moment.
    pub(super) revoked: bool,
    told_sealed: bool,
}

impl Pause {
    pub(super) fn begin(
        purpose: Purpose,
        now: BootTime,
        setup: &Setup,
        out: &mut Vec<Action>,
    ) -> Pause {
        out.push(Action::HoldWrites);
        let revoked = matches!(purpose, Purpose::StepUp(_));
        if revoked {
            out.push(Action::Revoke);
        }
        let pause = Pause {
            purpose,
            stage: Stage::Draining,
            since: now,
            give_up_after: setup.timing.handover_timeout,
            sealed: None,
            answered: false,
            revoked,
            told_sealed: false,
        };
        pause.tell(Step::Holding, out);
        pause
    }

    fn request(&self) -> Option<&ActivationRequest> {
        match &self.purpose {
            Purpose::HandOver(request) => Some(request),
            _ => None,
        }
    }

    /// The request, once the lease names its target as successor.
    pub(super) fn handed_over(&self) -> Option<RequestId> {
        self.request().map(|request| request.id)
    }

    fn tell(&self, step: Step, out: &mut Vec<Action>) {
        if let Some(request) = self.request() {
            out.push(Action::Notify(Notice::Activation {
                id: request.id,
                step,
            }));
        }
    }

    fn gives_up_at(&self) -> Option<BootTime> {
        match self.stage {
            Stage::Draining => Some(self.since + self.give_up_after),
            Stage::Announced { since } => Some(since + self.give_up_after),
            Stage::Announcing | Stage::Withdrawing => None,
        }
    }

    /// When time alone moves this on; what waits for an answer of the store,
    /// or for an event, is not due.
    pub(super) fn due(&self, desk: &Desk) -> Option<BootTime> {
        let by_time = match (&self.stage, &self.purpose) {
            (Stage::Draining, Purpose::HandOver(_)) => true,
            (Stage::Draining, Purpose::Release) => self.sealed.is_some() && desk.is_idle(),
            (Stage::Announced { .. }, _) => desk.is_idle(),
            _ => false,
        };
        self.gives_up_at().filter(|_| by_time)
    }

    fn is_overdue(&self, now: BootTime) -> bool {
        self.gives_up_at().is_some_and(|due| due <= now)
    }

    pub(super) fn target(&self) -> Option<&NodeId> {
        self.request().map(|request| &request.target)
    }
}

impl Primary {
    /// Whether the target of the hand-over stands exactly at the seal.
    fn target_has(&self, target: &NodeId, sealed: &Heads) -> bool {
        self.peers
            .iter()
            .any(|(peer, state)| peer.node == *target && state.heads == *sealed)
    }

    /// The lease changed by a write of ours: what that means for a pause.
    pub(super) fn note_pause_written(
        &mut self,
        lease: &Lease,
        now: BootTime,
        out: &mut Vec<Action>,
    ) {
        let Some(pause) = &mut self.pause else { return };
        match pause.stage {
            Stage::Announcing if lease.handover.is_some() => {
                pause.stage = Stage::Announced { since: now };
                if let Some(to) = pause.target().cloned() {
                    pause.tell(Step::HandedOver { to }, out);
                }
                out.push(Action::HintStandbys);
            }
            Stage::Withdrawing if lease.handover.is_none() => {
                pause.tell(
                    Step::Aborted {
                        why: "the target did not take the lease in time",
                    },
                    out,
                );
                self.resume(out);
            }
            _ => {}
        }
    }

    fn resume(&mut self, out: &mut Vec<Action>) {
        self.pause = None;
        out.push(Action::ResumeWrites);
    }

    fn abort(&mut self, why: &'static str, out: &mut Vec<Action>) {
        if let Some(pause) = &self.pause {
            pause.tell(Step::Aborted { why }, out);
        }
        self.resume(out);
    }
}

impl Control {
    pub(super) fn drive_pause(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        let Some(pause) = &primary.pause else { return };
        match (&pause.stage, &pause.purpose) {
            (Stage::Draining, Purpose::HandOver(_)) => self.drain_to_target(moment, seen, out),
            (Stage::Draining, Purpose::Release) => self.drain_to_release(moment, seen, out),
            (Stage::Announced { .. }, _) if pause.is_overdue(moment.now) && self.desk.is_idle() => {
                let mut draft = renewed(&seen.lease);
                draft.handover = None;
                primary.pause.as_mut().expect("just seen").stage = Stage::Withdrawing;
                self.desk.write(moment, seen.etag.clone(), draft, out);
            }
            _ => {}
        }
    }

    fn drain_to_target(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        let Some(pause) = &mut primary.pause else {
            return;
        };
        if pause.is_overdue(moment.now) {
            return primary.abort("the target did not confirm in time", out);
        }
        let Some(sealed) = pause.sealed.clone() else {
            return;
        };
        if !std::mem::replace(&mut pause.told_sealed, true) {
            pause.tell(
                Step::Sealed {
                    heads: sealed.clone(),
                },
                out,
            );
        }
        let Some(request) = pause.request().cloned() else {
            return;
        };
        let ready = pause.answered && self.desk.is_idle();
        if !primary.target_has(&request.target, &sealed) || !ready {
            return;
        }
        let Some(pause) = &mut primary.pause else {
            return;
        };
        pause.tell(
            Step::Confirmed {
                to: request.target.clone(),
            },
            out,
        );
        pause.revoked = true;
        pause.stage = Stage::Announcing;
        out.push(Action::Revoke);
        let mut draft = renewed(&seen.lease);
        draft.handover = Some(Handover {
            successor: request.target.clone(),
            sealed,
            activation: Some(Consumed {
                id: request.id,
                mode: request.mode,
                by: request.by,
                reason: request.reason,
                fenced_by: None,
                overrides: request.overrides,
            }),
        });
        self.desk.write(moment, seen.etag.clone(), draft, out);
    }

    fn drain_to_release(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        let Some(pause) = &mut primary.pause else {
            return;
        };
        let Some(sealed) = pause.sealed.clone() else {
            return;
        };
        if !pause.answered && !pause.is_overdue(moment.now) || !self.desk.is_idle() {
            return;
        }
        pause.revoked = true;
        pause.stage = Stage::Announcing;
        out.push(Action::Revoke);
        let mut draft = renewed(&seen.lease);
        draft.state = LeaseState::Released;
        draft.sealed = Some(sealed);
        self.desk.write(moment, seen.etag.clone(), draft, out);
    }
}
