//! The shell around the role's owner: events in, actions obeyed.

use super::process::{Authority, Plane};
use super::shard::Shard;
use super::{Halt, Process, Task};
use crate::env::Env;
use crate::invariants::{self, Statement};
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use crate::store::ObjectName;
use std::time::Duration;
use understudy_protocol::control::{Known, ObjectFetched, Step};
use understudy_protocol::{Action, Event, Facts, Notice, RequestId, RoleName};
use understudy_types::Epoch;

/// Refusals that say something about the lease.
const BY_THE_LEASE: [&str; 2] = ["E301", "E303"];

impl Process {
    /// Refreshes what the owner knows, tells it the event, and obeys.
    pub(super) fn step(&mut self, env: &mut Env, event: Event) -> Result<(), Halt> {
        let mut actions = Vec::new();
        let mut facts = self.facts();
        facts.state_diverged &= !env.is_broken(Mutation::DivergenceNotTold);
        let facts = Event::Facts(facts);
        let moment = self.control_moment(env);
        self.control.step(&moment, facts, &mut actions);
        if !matches!(event, Event::Tick) {
            env.say(|| format!("n{} event {}", self.index, brief(&event)));
        }
        let asks = matches!(
            event,
            Event::ActivationGiven(_) | Event::ActivationFetched(ObjectFetched::Found { .. })
        );
        self.remembers = asks && env.is_broken(Mutation::ReadFromMemory);
        let moment = self.control_moment(env);
        self.control.step(&moment, event, &mut actions);
        for action in actions {
            self.obey(env, action)?;
        }
        self.plan_tick(env);
        Ok(())
    }

    fn control_moment(&self, env: &mut Env) -> understudy_protocol::Moment {
        let mut moment = self.moment(env);
        if env.is_broken(Mutation::ExpiryFromWallClock) {
            let jump = self.clock.wall_skew_millis.unsigned_abs() % 20_000;
            moment.now = moment.now + Duration::from_millis(jump);
        }
        moment
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts {
            heads: self.heads(),
            free_slots: self.slots.free(),
            stored: self.slots.stored_all(),
            state_diverged: self.shards.iter().any(Shard::is_diverged),
            ..Facts::default()
        };
        for shard in &self.shards {
            let name = Scenario::shard_name(shard.index);
            facts.committed.insert(name.clone(), shard.committed);
            if let Some(epoch) = shard.log.last_epoch() {
                facts.last_epochs.insert(name, epoch);
            }
        }
        if let Plane::Following(following) = &self.plane {
            for (shard, stream) in following.streams.iter().enumerate() {
                if let Some(complete_as_of) = stream.complete_as_of {
                    let known = Known {
                        epoch: following.epoch,
                        flushed: stream.primary_flushed,
                        complete_as_of,
                    };
                    facts.known.insert(Scenario::shard_name(shard), known);
                }
            }
        }
        facts
    }

    fn plan_tick(&mut self, env: &mut Env) {
        let due = self.control.deadline();
        if due.as_nanos() == u64::MAX {
            return;
        }
        let soonest = env.now + Duration::from_millis(1);
        let at = self.clock.when(due).max(soonest);
        if self.next_tick.is_none_or(|planned| at < planned) {
            self.next_tick = Some(at);
            self.task(env, at.since(env.now), Task::Tick(at));
        }
    }

    fn obey(&mut self, env: &mut Env, action: Action) -> Result<(), Halt> {
        if !matches!(action, Action::Notify(_)) {
            env.say(|| format!("n{} action {}", self.index, brief_action(&action)));
        }
        match action {
            Action::FetchLease { known } => self.fetch_lease(env, known),
            Action::FetchActivation { known } => self.fetch(env, ObjectName::Activation, known),
            Action::WriteLease { base, body } => self.write_lease(env, base, body),
            Action::PersistPromise(epoch) => self.persist_promise(env, epoch),
            Action::RunHook(call) => self.run_hook(env, *call)?,
            Action::Follow {
                epoch,
                promised,
                primary,
            } => self.follow(env, epoch, promised, *primary)?,
            Action::DrainFollowing => self.drain_following(env),
            Action::StopFollowing => {
                self.slots.stop();
                self.stop_following(env);
            }
            Action::Drain {
                epoch,
                first,
                history,
            } => self.drain_slots(env, epoch, &first, &history)?,
            Action::Fill {
                epoch,
                fallback,
                free,
            } => self.fill_slots(env, epoch, &fallback, &free)?,
            Action::StopFilling => self.slots.stop(),
            Action::RemoveSlots(ranges) => self.remove_slots(env, &ranges),
            Action::Open { epoch, lossy } => self.open(env, epoch, lossy)?,
            Action::Grant { epoch, deadline } => self.grant(env, epoch, deadline),
            Action::Revoke => self.authority = None,
            Action::Require(requirement) => self.require(env, requirement)?,
            Action::HoldWrites => self.hold_writes(env),
            Action::ResumeWrites => self.resume_writes(env),
            Action::Close => {
                self.slots.stop();
                self.close(env)?;
            }
            Action::HintStandbys => self.hint_standbys(env),
            Action::AskToVouch(round) => {
                if let Some(serving) = self.serving() {
                    serving.asks = round;
                }
            }
            Action::Vouch { epoch, round } => self.vouch(env, epoch, round),
            Action::Notify(notice) => self.note(env, notice),
            Action::Exit => return Err(Halt::Exit),
        }
        Ok(())
    }

    pub(super) fn vouch(&mut self, env: &mut Env, epoch: Epoch, round: u64) {
        env.stats.vouched += 1;
        let Some(following) = self.following() else {
            return;
        };
        if following.epoch == epoch {
            following.vouched = round;
            for shard in 0..self.shards.len() {
                self.report(env, shard);
            }
        }
    }

    fn persist_promise(&mut self, env: &mut Env, epoch: Epoch) {
        let promoting = self.role(self.now(env)) == RoleName::Promoting;
        if env.is_broken(Mutation::NoPromiseBeforeClaim) && promoting {
            return self.tell(env, Event::PromisePersisted(epoch));
        }
        let delay = env.chance.between(
            Duration::from_micros(300),
            env.scenario.flush_delay * self.slowness,
        );
        self.task(env, delay, Task::PromiseEnds(epoch));
    }

    fn grant(&mut self, env: &mut Env, epoch: Epoch, deadline: understudy_types::BootTime) {
        let late = self.now(env).since(self.lease_sent_at);
        let deadline = if env.is_broken(Mutation::DeadlineFromAnswer) {
            deadline + late
        } else {
            deadline
        };
        self.authority = Some(Authority { epoch, deadline });
    }

    fn note(&mut self, env: &mut Env, notice: Notice) {
        env.say(|| format!("n{} notice: {notice}", self.index));
        match notice {
            Notice::Activation {
                id,
                step:
                    Step::Taken {
                        epoch,
                        lossy,
                        bound,
                        ..
                    },
            } => {
                self.state_loss(env, epoch, Some(id), bound, lossy);
            }
            Notice::Activation {
                step: Step::HandedOver { .. },
                ..
            } => env.stats.switchovers += 1,
            Notice::AsksItself(request) => invariants::asks_itself(env, &request),
            Notice::Activation {
                id,
                step: Step::Refused { code, .. },
            } if BY_THE_LEASE.contains(&code) => self.note_refused(env, id),
            _ => {}
        }
    }

    fn note_refused(&self, env: &mut Env, id: RequestId) {
        if let Some(known) = self.control.view(self.now(env)).lease {
            invariants::refused(env, self.id(), id, &known.lease);
        }
    }

    fn state_loss(
        &mut self,
        env: &mut Env,
        epoch: Epoch,
        request: Option<understudy_protocol::RequestId>,
        bound: understudy_protocol::LossBound,
        lossy: bool,
    ) {
        let now = self.now(env);
        let look = self.look.as_ref().filter(|look| look.epoch == epoch);
        let (looked_at, taken_at) = look.map_or((now, now), |look| (look.at, look.taken_at));
        invariants::stated(
            env,
            epoch,
            Statement {
                request,
                bound,
                lossy,
                looked_at,
                taken_at,
            },
        );
    }

    /// No stream is under way any more: the ends can be told.
    pub(super) fn report_stop(&mut self, env: &mut Env) {
        if !self.stop_wanted {
            return;
        }
        let early = env.is_broken(Mutation::StoppedBeforeFlushed);
        if early || self.shards.iter().all(|shard| shard.is_quiet()) {
            self.stop_wanted = false;
            let heads = self.heads();
            self.tell(env, Event::FollowingStopped(heads));
        }
    }
}

fn brief(event: &Event) -> String {
    match event {
        Event::LeaseFetched(fetched) => format!("LeaseFetched({})", brief_fetched(fetched)),
        Event::ActivationFetched(fetched) => {
            format!("ActivationFetched({})", brief_fetched(fetched))
        }
        Event::PeerFlushed { peer, heads } => {
            let heads: Vec<_> = heads
                .values()
                .map(|head| head.map(|p| p.lsn.get()))
                .collect();
            format!("PeerFlushed({} {heads:?})", peer.node)
        }
        other => format!("{other:?}"),
    }
}

fn brief_fetched(fetched: &ObjectFetched) -> String {
    match fetched {
        ObjectFetched::Found { etag, .. } => format!("Found {}", etag.0),
        other => format!("{other:?}"),
    }
}

fn brief_action(action: &Action) -> String {
    match action {
        Action::WriteLease { base, .. } => format!("WriteLease over {}", base.0),
        Action::Follow {
            epoch,
            promised,
            primary,
        } => {
            format!("Follow {} epoch {epoch} promised {promised}", primary.node)
        }
        other => format!("{other:?}"),
    }
}
