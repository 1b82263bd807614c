//! The operator's commands around a promotion: when they run, and what they
//! hold back.
//!
//! The one before runs while the node is still a standby that follows:
//! nothing is promised, and a refusal leaves everything as it was. It runs at
//! most once for a request. The one after runs when the epoch is served, and
//! undoes nothing.

use super::event::{Action, Moment, Notice, Setup, Step};
use super::loss::LossBound;
use super::promotion::{Cause, Origin, Promotion};
use super::{Control, Role, Seen};
use crate::activation::{ActivationRequest, Mode, RequestId};
use crate::lease::Consumed;
use serde::{Deserialize, Serialize};
use understudy_types::{Epoch, NodeId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPhase {
    BeforePromotion,
    AfterPromotion,
}

/// What a hook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    pub phase: HookPhase,
    /// That is to be taken, or was.
    pub epoch: Epoch,
    /// Who held the epoch before.
    pub from: Option<NodeId>,
    /// What the promotion may lose. Nothing after a switchover.
    pub bound: LossBound,
    /// `None`: the cluster's first epoch.
    pub request: Option<Consumed>,
}

/// How the hook before a promotion ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    Passed,
    /// Why, for people: a code, a signal, a time limit.
    Failed(String),
}

/// The hooks before promotions, one at a time.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    /// Of the last handover that named this node.
    handover: Option<(RequestId, Stage)>,
    /// Of a failover that was accepted, and waits for it.
    failover: Option<Hooked>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Ended(HookOutcome),
    /// A refusal, and it was told.
    Refused,
}

#[derive(Debug)]
struct Hooked {
    request: Box<ActivationRequest>,
    origin: Origin,
    stage: Stage,
}

impl Hooks {
    pub(super) fn note_ended(&mut self, id: RequestId, outcome: HookOutcome) {
        let handover = self.handover.as_mut().filter(|(named, _)| *named == id);
        let handover = handover.map(|(_, stage)| stage);
        let failover = self
            .failover
            .as_mut()
            .filter(|hooked| hooked.request.id == id);
        let failover = failover.map(|hooked| &mut hooked.stage);
        let mut stages = handover.into_iter().chain(failover);
        if let Some(stage) = stages.find(|stage| **stage == Stage::Running) {
            *stage = Stage::Ended(outcome);
        }
    }

    pub(super) fn is_running(&self) -> bool {
        let handover = self.handover.as_ref().map(|(_, stage)| stage);
        let failover = self.failover.as_ref().map(|hooked| &hooked.stage);
        handover == Some(&Stage::Running) || failover == Some(&Stage::Running)
    }

    /// The failover whose hook has ended.
    fn ended(&mut self) -> Option<(Hooked, HookOutcome)> {
        let hooked = self.failover.take()?;
        match hooked.stage.clone() {
            Stage::Ended(outcome) => Some((hooked, outcome)),
            Stage::Running | Stage::Refused => {
                self.failover = Some(hooked);
                None
            }
        }
    }
}

fn refusal(mode: Mode, why: &str) -> Step {
    let code = match mode {
        Mode::Switchover => "E210",
        Mode::Failover => "E315",
    };
    Step::refused(
        code,
        format!("the hook before the promotion did not pass: {why}"),
        "see to what it says in this node's log, or change hooks.before_promotion; then ask again",
    )
}

impl Control {
    fn has_hook_before(&self) -> bool {
        self.setup.hooks.contains(&HookPhase::BeforePromotion)
    }

    fn run_hook(&self, seen: &Seen, request: Consumed, bound: LossBound, out: &mut Vec<Action>) {
        out.push(Action::RunHook(Box::new(HookCall {
            phase: HookPhase::BeforePromotion,
            epoch: seen.lease.epoch.max(self.promised).next(),
            from: seen.lease.holder.as_ref().map(|holder| holder.node.clone()),
            bound,
            request: Some(request),
        })));
    }

    /// Whether a cause of this node's own may be acted on now: a handover
    /// that an operator asked for waits for its hook, a restart for none.
    pub(super) fn hook_allows(
        &mut self,
        seen: &Seen,
        cause: &Cause,
        out: &mut Vec<Action>,
    ) -> bool {
        let Cause::Handover {
            activation: Some(activation),
        } = cause
        else {
            return true;
        };
        if !self.has_hook_before() {
            return true;
        }
        let busy = self.hooks.is_running();
        match &mut self.hooks.handover {
            Some((id, stage)) if *id == activation.id => match stage {
                Stage::Ended(HookOutcome::Passed) => true,
                Stage::Running | Stage::Refused => false,
                Stage::Ended(HookOutcome::Failed(why)) => {
                    let step = refusal(Mode::Switchover, why);
                    *stage = Stage::Refused;
                    let id = activation.id;
                    out.push(Action::Notify(Notice::Activation { id, step }));
                    false
                }
            },
            _ if busy => false,
            _ => {
                self.hooks.handover = Some((activation.id, Stage::Running));
                self.run_hook(seen, activation.clone(), LossBound::Nothing, out);
                false
            }
        }
    }

    /// A failover was accepted: begins it, or its hook.
    pub(super) fn begin_failover(
        &mut self,
        seen: &Seen,
        request: Box<ActivationRequest>,
        origin: Origin,
        bound: LossBound,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        if !self.has_hook_before() {
            return self.promote(seen, Cause::Failover { request, origin }, out);
        }
        self.run_hook(seen, request.consumed(), bound, out);
        self.hooks.failover = Some(Hooked {
            request,
            origin,
            stage: Stage::Running,
        });
        None
    }

    /// Goes on with the failover whose hook has ended: what was judged before
    /// it may be different now.
    pub(super) fn drive_hooked_failover(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) -> Option<Role> {
        let (hooked, outcome) = self.hooks.ended()?;
        let Hooked {
            request, origin, ..
        } = hooked;
        let id = request.id;
        let refused = match outcome {
            HookOutcome::Failed(why) => Some(refusal(Mode::Failover, &why)),
            HookOutcome::Passed => self.refusal_now(moment, seen, &request, origin),
        };
        match refused {
            Some(step) => {
                out.push(Action::Notify(Notice::Activation { id, step }));
                None
            }
            None => self.promote(seen, Cause::Failover { request, origin }, out),
        }
    }
}

/// The hook after a promotion, when there is one.
pub(super) fn hook_after(
    setup: &Setup,
    promotion: &Promotion,
    from: Option<NodeId>,
) -> Option<Box<HookCall>> {
    let request = match &promotion.cause {
        Cause::Restart => return None,
        Cause::Handover { activation } => activation.clone(),
        Cause::Failover { request, .. } => Some(request.consumed()),
    };
    let phase = HookPhase::AfterPromotion;
    setup.hooks.contains(&phase).then(|| {
        Box::new(HookCall {
            phase,
            epoch: promotion.epoch,
            from,
            bound: promotion.bound,
            request,
        })
    })
}
