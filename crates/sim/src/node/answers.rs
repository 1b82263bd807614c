//! A primary's answers: each asks the clock last, just before it leaves.

use super::process::Plane;
use super::serving::Answer;
use super::{Halt, Process, Task};
use crate::client::{Reply, ReturnAddress, answer};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use std::time::Duration;
use understudy_log::Batch;
use understudy_types::{Epoch, Lsn};

impl Process {
    pub(super) fn answer_batch(&mut self, env: &mut Env, shard: usize, batch: &Batch) {
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        let epoch = serving.epoch;
        let mut lsn = batch.first_lsn();
        while lsn <= batch.last_lsn() {
            if let Some(waiting) = serving.shards[shard].placed.remove(&lsn) {
                serving.leaving += 1;
                let answer = Answer {
                    to: waiting.to,
                    id: waiting.command.id,
                    lsn,
                    epoch,
                };
                let delay = env.chance.between(Duration::ZERO, Duration::from_millis(2));
                env.task(delay, self.index, self.life, Task::Acknowledge(answer));
            }
            lsn = lsn.plus(1);
        }
    }

    /// The last look at the clock, then the answer leaves.
    pub(super) fn acknowledge(&mut self, env: &mut Env, ready: Answer) -> Result<(), Halt> {
        let now = self.now(env);
        let unchecked = env.is_broken(Mutation::NoDeadlineCheck);
        let may = self
            .authority
            .is_some_and(|a| a.epoch == ready.epoch && (now < a.deadline || unchecked));
        if may {
            invariants::effect(env, self.id(), ready.epoch);
            env.say(|| {
                format!(
                    "n{} acknowledges command {} at {}",
                    self.index, ready.id, ready.lsn
                )
            });
            let at = env.now;
            env.oracle.acknowledge(ready.id, at, ready.lsn);
            answer(env, ready.to, Reply::Done);
        } else {
            answer(env, ready.to, Reply::Unknown);
        }
        if let Plane::Serving(serving) = &mut self.plane {
            serving.leaving = serving.leaving.saturating_sub(1);
        }
        self.tell_answered(env);
        Ok(())
    }

    /// A read is evaluated, and asked for the deadline before it leaves.
    pub(super) fn read(&mut self, env: &mut Env, to: ReturnAddress, shard: usize, key: u64) {
        let now = self.now(env);
        let broken = env.is_broken(Mutation::ReadWithoutDeadline);
        let Some(authority) = self.authority.filter(|a| now < a.deadline || broken) else {
            return answer(env, to, Reply::NotNow);
        };
        let lsn = self.shards[shard].state.get(key).map(|value| value.lsn);
        let delay = env.chance.between(Duration::ZERO, Duration::from_millis(1));
        self.task(
            env,
            delay,
            Task::ReadEnds {
                to,
                epoch: authority.epoch,
                lsn,
            },
        );
    }

    pub(super) fn read_ends(
        &mut self,
        env: &mut Env,
        to: ReturnAddress,
        epoch: Epoch,
        lsn: Option<Lsn>,
    ) {
        let now = self.now(env);
        let broken = env.is_broken(Mutation::ReadWithoutDeadline);
        let may = broken
            || self
                .authority
                .is_some_and(|a| a.epoch == epoch && now < a.deadline);
        if !may {
            return answer(env, to, Reply::NotNow);
        }
        if !broken {
            invariants::effect(env, self.id(), epoch);
        }
        answer(env, to, Reply::Value { lsn });
    }
}
