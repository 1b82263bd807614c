//! The object store is lost for good, and all that was in it: one node goes
//! on with a store of its own, by an operator's word that is true, and gets
//! the others back when its lease stands in a store for all again.

use super::World;
use crate::env::Env;
use crate::mutation::Mutation;
use crate::queue::Happening;
use std::time::Duration;
use understudy_protocol::{AcceptLoss, LeaseState, Mode, WithoutStore, stand_in_lease};
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
        env.stats.fault("store: lost for good");
        env.say(|| format!("the store is lost for good, n{any} goes on alone"));
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

    /// Once the node holds its epoch, its lease goes into a store for all; it
    /// is stopped for that. Until then the operator asks again.
    pub(super) fn store_adopted(&mut self) {
        let Some(survivor) = self.env.store.alone else {
            return;
        };
        let data_id = self.nodes[survivor].data_id;
        let lease = self.env.store.lease();
        let is_held = lease.is_some_and(|lease| {
            let own = lease.holder.as_ref().is_some_and(|h| h.data_id == data_id);
            own && lease.state != LeaseState::Claimed
        });
        if !is_held {
            self.ask_for_survivor();
            self.env.after(LOOK_AGAIN, Happening::StoreAdopted);
            return;
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
}

fn restart_all(env: &mut Env, nodes: usize) {
    for node in 0..nodes {
        let delay = env.chance.millis(50, 3000);
        env.after(delay, Happening::Restart { node });
    }
}
