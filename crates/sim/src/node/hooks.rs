//! The operator's commands around a promotion: they take their time, and
//! fail now and then.

use super::{Halt, Process, Task};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use std::time::Duration;
use understudy_log::{HookMark, mark_hook};
use understudy_protocol::Event;
use understudy_protocol::control::{HookCall, HookOutcome, HookPhase};

impl Process {
    pub(super) fn run_hook(&mut self, env: &mut Env, call: HookCall) -> Result<(), Halt> {
        let Some(request) = call
            .request
            .filter(|_| call.phase == HookPhase::BeforePromotion)
        else {
            return Ok(());
        };
        let id = request.id;
        let mark = mark_hook(&*self.disk, id);
        let outcome = match mark.map_err(|error| Halt::Disk(error.to_string()))? {
            HookMark::Again => HookOutcome::Failed("it ran before".to_owned()),
            HookMark::First => {
                let passes = env.chance.percent(70) || env.healing;
                invariants::hook_ran(env, self.member.standby_id(), id, passes);
                match passes {
                    true => HookOutcome::Passed,
                    false => HookOutcome::Failed("exit status: 1".to_owned()),
                }
            }
        };
        let outcome = match env.is_broken(Mutation::FailedHookPasses) {
            true => HookOutcome::Passed,
            false => outcome,
        };
        let delay = env
            .chance
            .between(Duration::from_millis(1), Duration::from_millis(1500));
        let event = Event::HookEnded { id, outcome };
        self.task(env, delay, Task::Tell(Box::new(event)));
        Ok(())
    }
}
