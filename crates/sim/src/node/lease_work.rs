//! The way to the lease and the flag, where most of it can be broken.

use super::process::Look;
use super::process::Plane;
use super::{Halt, Process};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use crate::store::{self, ObjectName, Operation};
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::Fallback;
use understudy_protocol::shard::Requirement;
use understudy_protocol::{ActivationRequest, ETag, Event, Lease, LeaseState, RoleName};
use understudy_types::Epoch;

impl Process {
    pub(super) fn fetch(&self, env: &mut Env, object: ObjectName, known: Option<ETag>) {
        store::send(
            env,
            self.index,
            self.life,
            Operation::Fetch { object, known },
        );
    }

    pub(super) fn fetch_lease(&self, env: &mut Env, known: Option<ETag>) {
        if self.remembers {
            let unchanged = Event::LeaseFetched(ObjectFetched::NotModified);
            return self.tell(env, unchanged);
        }
        self.fetch(env, ObjectName::Lease, known);
    }

    pub(super) fn write_lease(&mut self, env: &mut Env, base: ETag, body: Vec<u8>) {
        invariants::said(env, self.id());
        let mut lease = Lease::decode(&body).expect("the core writes leases");
        let now = self.now(env);
        self.lease_sent_at = now;
        self.note_look(&base, &lease, now);
        if matches!(self.plane, Plane::Following(_) | Plane::Idle) {
            invariants::takes(env, self.id(), lease.epoch);
        }
        if env.is_broken(Mutation::EpochReusedOnRelease) && lease.state == LeaseState::Released {
            lease.epoch = Epoch::new(lease.epoch.get() - 1);
        }
        if env.is_broken(Mutation::MarkDropped) && lease.renewals > 0 {
            lease.unacknowledged = None;
        }
        if env.is_broken(Mutation::RemovalBeforeDurable)
            && let Requirement::AllOf(members) = &self.requirement
            && members.iter().any(|member| !lease.in_sync.contains(member))
            && lease.state == LeaseState::Held
            && !lease.in_sync.is_empty()
        {
            let early = Requirement::AllOf(lease.in_sync.clone());
            let _ = self.require(env, early);
        }
        if env.is_broken(Mutation::RemovedBeforeMark) && lease.renewals > 0 {
            self.remove_below_mark(env, &lease.fallback);
        }
        let operation = Operation::WriteLease {
            base,
            body: lease.encode(),
        };
        store::send(env, self.index, self.life, operation);
    }

    /// The mutation: what is on its way into the lease counts already.
    fn remove_below_mark(&self, env: &mut Env, next: &Fallback) {
        let view = self.control.view(self.now(env));
        let Some(now) = view.lease.map(|seen| seen.lease.fallback) else {
            return;
        };
        let ranges = next.first.iter().map(|(shard, free)| {
            let range = now.first_of(shard)..*free;
            (shard.clone(), range)
        });
        self.remove_slots(env, &ranges.collect());
    }

    /// A promotion looks at the facts when it takes an epoch, and when it
    /// turns a claim into a hold, but not when it repeats a write.
    pub(super) fn note_look(&mut self, base: &ETag, lease: &Lease, at: understudy_types::BootTime) {
        if lease.renewals > 0 {
            return;
        }
        let known = self.look.as_ref().is_some_and(|look| {
            look.epoch == lease.epoch && look.base == *base && look.state == lease.state
        });
        if !known {
            let former = self.look.take().filter(|look| {
                look.epoch == lease.epoch
                    && look.state == LeaseState::Claimed
                    && lease.state == LeaseState::Held
            });
            let taken_at = former.map_or(at, |look| look.taken_at);
            self.look = Some(Look {
                base: base.clone(),
                epoch: lease.epoch,
                state: lease.state,
                at,
                taken_at,
            });
        }
    }

    pub(super) fn lease_written(&mut self, env: &mut Env, answer: WriteAnswer) -> Result<(), Halt> {
        let answer = match answer {
            WriteAnswer::Unknown if env.is_broken(Mutation::UnknownTakenForApplied) => {
                WriteAnswer::Applied(ETag(format!("\"{:016x}\"", env.chance.next())))
            }
            other => other,
        };
        let applied = matches!(answer, WriteAnswer::Applied(_));
        self.step(env, Event::LeaseWritten(answer))?;
        let claimed = self.role(self.now(env)) == RoleName::Claimed;
        if applied && claimed && env.is_broken(Mutation::ClaimWithoutWait) {
            let over = self.following().map(|following| following.epoch);
            if let Some(epoch) = over {
                self.tell(env, Event::PrimaryEnded(epoch));
            }
        }
        Ok(())
    }

    pub(super) fn activation_fetched(
        &mut self,
        env: &mut Env,
        fetched: ObjectFetched,
    ) -> Result<(), Halt> {
        let fetched = match fetched {
            ObjectFetched::Found { etag, body } => {
                let body = self.tampered(env, body);
                ObjectFetched::Found { etag, body }
            }
            other => other,
        };
        self.step(env, Event::ActivationFetched(fetched))
    }

    /// Mutations of how a request is read.
    pub(super) fn tampered(&self, env: &Env, body: Vec<u8>) -> Vec<u8> {
        let Ok(mut request) = ActivationRequest::decode(&body) else {
            return body;
        };
        if env.is_broken(Mutation::RequestFitsAnyEpoch) {
            let view = self.control.view(self.now(env));
            if let Some(lease) = view.lease {
                request.expect_epoch = lease.lease.epoch;
                request.expect_holder = None;
            }
        }
        if env.is_broken(Mutation::FencedWithoutEvidence) {
            request.fenced_by = Some("it looked dead".to_owned());
        }
        request.encode()
    }
}
