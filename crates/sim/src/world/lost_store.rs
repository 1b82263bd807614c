//! The object store is given up: one node goes on with a store of its own, by
//! an operator's word that is true. The store may be lost for good, or answer
//! again and be fenced then. In the end the node's lease stands in a store for
//! all; or, where the old one answers, another node goes on over the fence.

use super::World;
use crate::env::Env;
use crate::invariants::Invariant;
use crate::mutation::Mutation;
use crate::queue::Happening;
use std::time::Duration;
use understudy_protocol::{
    AcceptLoss, Former, Lease, LeaseState, Mode, WithoutStore, judge_former, stand_in_lease,
};
use understudy_types::Nonce;

const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl World {
    /// Every other machine is off when the glass is broken, as the operator
    /// says; what starts again before the adoption finds no store.
    pub(super) fn lose_store(&mut self) {
        let any = self.env.chance.index(self.nodes.len());
        if self.env.store.alone.is_some() || !self.nodes[any].is_up() {
            return;
        }
        let now = self.nodes[any].clock.boot_time(self.env.now);
        let process = self.nodes[any].process.as_ref();
        let view = process.map(|process| process.control().view(now));
        let Some(last) = view.and_then(|view| view.lease) else {
            return;
        };
        let env = &mut self.env;
        env.stats.fault("store: given up");
        env.say(|| format!("the store is lost, n{any} goes on alone"));
        for node in self.nodes.iter_mut().filter(|node| node.index != any) {
            if node.is_up() {
                node.power_fails(env);
            }
        }
        let mark = WithoutStore {
            by: "operator".to_owned(),
            reason: "simulation".to_owned(),
            fenced_by: "power off".to_owned(),
            at_ms: 0,
            former_epoch: last.lease.epoch,
        };
        let nonce = Nonce::from_bytes(env.chance.bytes());
        let mut lease = stand_in_lease(&last.lease, mark, self.nodes[any].data_id, nonce);
        if env.is_broken(Mutation::NoBandOfItsOwn) {
            lease.epoch = last.lease.epoch;
        }
        if env.is_broken(Mutation::StandInCountsOnSet) {
            lease.in_sync = last.lease.in_sync.clone();
        }
        env.store.stand_in(any, &lease);
        self.ask_for_survivor();
        let alone_for = self.env.chance.millis(4000, 20_000);
        self.env.after(alone_for, Happening::StoreAdopted);
        if self.env.chance.percent(60) {
            let silent_for = self.env.chance.between(Duration::ZERO, alone_for);
            self.env.after(silent_for, Happening::StoreAnswers);
        }
    }

    /// An operator's request that the node which is alone goes on.
    fn ask_for_survivor(&mut self) {
        let store = &self.env.store;
        let (Some(survivor), Some(lease)) = (store.alone, store.lease()) else {
            return;
        };
        let mut request = self.request(Mode::Failover, survivor, lease.epoch, AcceptLoss::Unknown);
        request.fenced_by = Some("power off".to_owned());
        self.ask(request);
    }

    /// The lease of the node that is alone, once it holds its epoch.
    fn held_alone(&self) -> Option<(usize, Lease)> {
        let survivor = self.env.store.alone?;
        let lease = self.env.store.lease()?;
        let holder = lease.holder.as_ref()?;
        let is_held =
            holder.data_id == self.nodes[survivor].data_id && lease.state != LeaseState::Claimed;
        is_held.then_some((survivor, lease))
    }

    /// What the node that is alone makes of the store that was given up.
    fn judge_former(&mut self, own: &Lease) -> Option<Former> {
        let found = self.env.store.former_lease()?;
        let (mark, me) = (own.without_store.as_ref()?, own.holder.as_ref()?);
        let nonce = Nonce::from_bytes(self.env.chance.bytes());
        Some(judge_former(&found, own, mark, me, nonce))
    }

    /// The store answers the node that is alone, which fences it; and then the
    /// others, which are switched on by somebody who sees that.
    pub(super) fn store_answers(&mut self) {
        if self.env.store.alone.is_none() || self.env.store.former_answers() {
            return;
        }
        let held = self.held_alone();
        let held = held.filter(|(survivor, _)| self.nodes[*survivor].is_up());
        let Some((survivor, own)) = held else {
            return self.env.after(LOOK_AGAIN, Happening::StoreAnswers);
        };
        let Some(Former::Fence(mut fence)) = self.judge_former(&own) else {
            // Another node had taken an epoch that this one never heard of:
            // the operator's word was not true, and the store stays away.
            return;
        };
        let env = &mut self.env;
        if env.is_broken(Mutation::FenceKeepsBase) {
            fence.fallback.base = own.fallback.base;
        }
        if env.is_broken(Mutation::FormerNotFenced)
            && let Some(found) = env.store.former_lease()
        {
            *fence = found;
        }
        env.stats.fault("store: answers again");
        env.say(|| {
            let epoch = fence.epoch;
            format!("the store answers again, n{survivor} fences it in epoch {epoch}")
        });
        env.store.answer_again(&fence, env.now);
        restart_all(env, self.nodes.len());
    }

    /// Once the node holds its epoch, its lease goes into a store for all; it
    /// is stopped for that. Until then the operator asks again.
    pub(super) fn store_adopted(&mut self) {
        if self.env.store.alone.is_none() {
            return;
        }
        let Some((survivor, own)) = self.held_alone() else {
            self.ask_for_survivor();
            return self.env.after(LOOK_AGAIN, Happening::StoreAdopted);
        };
        if self.env.store.former_answers() {
            let verdict = match self.judge_former(&own) {
                Some(Former::Overtaken) => {
                    Err(format!("n{survivor} was overtaken by nobody's word"))
                }
                _ => Ok(()),
            };
            self.env.demand(Invariant::OneWriter, verdict);
            if self.env.chance.percent(40) {
                return self.go_back(survivor);
            }
        }
        let env = &mut self.env;
        env.stats.fault("store: adopted");
        env.say(|| format!("the lease of n{survivor} stands in a store for all again"));
        if self.nodes[survivor].is_up() {
            self.nodes[survivor].killed(env);
        }
        let nonce = Nonce::from_bytes(env.chance.bytes());
        env.store.adopt(nonce);
        restart_all(env, self.nodes.len());
    }

    /// The operator prefers the store as it was to what one node did alone:
    /// that node is switched off, and another one asked to go on over its
    /// fence, whatever is lost.
    fn go_back(&mut self, survivor: usize) {
        let env = &mut self.env;
        env.stats.fault("store: gone back to");
        env.say(|| format!("n{survivor} is switched off, the old store is in force"));
        if self.nodes[survivor].is_up() {
            self.nodes[survivor].power_fails(env);
        }
        self.kept_off = Some(survivor);
        env.store.go_back();
        restart_all(env, self.nodes.len());
        self.overtaken(survivor);
    }

    /// A node that went on alone starts again when another one has gone on
    /// without it: until then it would refuse.
    pub(super) fn overtaken(&mut self, survivor: usize) {
        let Some(lease) = self.env.store.lease() else {
            return self.overtaken_later(survivor);
        };
        let data_id = self.nodes[survivor].data_id;
        let holder = lease.holder.as_ref();
        if holder.is_some_and(|holder| holder.data_id != data_id) {
            self.kept_off = None;
            return self
                .env
                .after(LOOK_AGAIN, Happening::Restart { node: survivor });
        }
        let others = self.nodes.len() - 1;
        let target = (survivor + 1 + self.env.chance.index(others)) % self.nodes.len();
        let mut request = self.request(Mode::Failover, target, lease.epoch, AcceptLoss::Unknown);
        request.fenced_by = Some("power off".to_owned());
        self.ask(request);
        self.overtaken_later(survivor);
    }

    fn overtaken_later(&mut self, survivor: usize) {
        let look = Happening::Overtaken { node: survivor };
        self.env.after(LOOK_AGAIN, look);
    }
}

fn restart_all(env: &mut Env, nodes: usize) {
    for node in 0..nodes {
        let delay = env.chance.millis(50, 3000);
        env.after(delay, Happening::Restart { node });
    }
}
