//! The scenes in which the power goes, each up to the moment from which on
//! every step counts.

use super::{DurableStep, Role};
use crate::chance::Chance;
use crate::env::Env;
use crate::mutation::Mutation;
use crate::network;
use crate::queue::Happening;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::world::World;
use std::time::Duration;
use understudy_log::sim::{Change, Moment, Step, Subject};
use understudy_protocol::{AcceptLoss, AckPolicy, FailoverPolicy, Mode};

const PATIENCE: Duration = Duration::from_secs(30);
/// How long a scene goes on: several renewals, and segments filled up.
pub(super) const LENGTH: Duration = Duration::from_secs(9);

/// A scene: a world, and what happens in it when the step counts.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) world: World,
    role: Role,
}

impl Scene {
    /// A pair that serves; then whatever the role needs.
    pub(super) fn set(role: Role, policy: AckPolicy, mutation: Option<Mutation>) -> Scene {
        let mut world = World::staged(calm(policy, mutation));
        let is_replicated = world.env.scenario.ack_policy == AckPolicy::Replicated;
        let is_up = world.run_until(PATIENCE, |world| {
            let lease = world.env.store.lease();
            let in_sync = lease.map_or(0, |lease| lease.in_sync.len());
            world.serves(0)
                && world.node(1).is_up()
                && world.acknowledged() >= 40
                && (in_sync > 0 || !is_replicated)
        });
        assert!(is_up, "{role:?}: the pair comes up");
        let mut scene = Scene { world, role };
        match role {
            Role::Restarting | Role::Promoting => scene.kill_primary(),
            Role::Rejoining => scene.diverge(),
            Role::Recovering => scene.tear_standby(),
            Role::Primary
            | Role::Standby
            | Role::Stopping
            | Role::HandingOver
            | Role::TakingOver => {}
        }
        scene
    }

    /// The node whose power goes.
    pub(super) fn node(&self) -> usize {
        match self.role {
            Role::Primary
            | Role::Restarting
            | Role::Stopping
            | Role::HandingOver
            | Role::Rejoining => 0,
            Role::Standby | Role::Recovering | Role::Promoting | Role::TakingOver => 1,
        }
    }

    /// What happens in the scene, until `is_over` or its end.
    pub(super) fn play(&mut self, is_over: impl Fn(&World) -> bool) -> bool {
        match self.role {
            Role::Primary | Role::Standby => {}
            Role::Restarting | Role::Rejoining => self.restart(0, Duration::ZERO),
            Role::Recovering => self.restart(1, Duration::ZERO),
            Role::Stopping => {
                self.world.shut_down(0);
            }
            Role::HandingOver | Role::TakingOver => self.ask(Mode::Switchover, AcceptLoss::Nothing),
            Role::Promoting => {
                let accept = match self.world.env.scenario.ack_policy {
                    AckPolicy::Replicated => AcceptLoss::Nothing,
                    AckPolicy::Local => AcceptLoss::Unknown,
                };
                self.ask(Mode::Failover, accept);
                // A standby for the new primary, which then fills segments.
                self.restart(0, Duration::from_secs(4));
            }
        }
        self.world.run_until(LENGTH, is_over)
    }

    fn kill_primary(&mut self) {
        let (node, env) = self.world.node_in(0);
        node.killed(env);
    }

    fn restart(&mut self, node: usize, after: Duration) {
        self.world.env.after(after, Happening::Restart { node });
    }

    /// The standby's power goes while a flush is under way.
    fn tear_standby(&mut self) {
        let flush = DurableStep::Disk(Step {
            subject: Subject::Segment,
            change: Change::Flush,
        });
        let (node, env) = self.world.node_in(1);
        node.loses_power_at(env, flush, 10, Moment::Torn);
        let is_down = self
            .world
            .run_until(PATIENCE, |world| !world.node(1).is_up());
        assert!(is_down, "the standby flushes");
    }

    /// The primary goes on alone, is killed, and the other takes over without
    /// what was written meanwhile.
    fn diverge(&mut self) {
        let long = Duration::from_secs(3600);
        network::block(&mut self.world.env, 0, 1, long);
        network::block(&mut self.world.env, 1, 0, long);
        let before = self.world.acknowledged();
        let wrote = self
            .world
            .run_until(PATIENCE, |world| world.acknowledged() >= before + 150);
        assert!(wrote, "the primary goes on alone");
        self.kill_primary();
        self.ask(Mode::Failover, AcceptLoss::Unknown);
        let serves = self.world.run_until(PATIENCE, |world| world.serves(1));
        assert!(serves, "the standby takes over");
        let before = self.world.acknowledged();
        self.world
            .run_until(PATIENCE, |world| world.acknowledged() >= before + 20);
        network::unblock(&mut self.world.env, 0, 1);
        network::unblock(&mut self.world.env, 1, 0);
    }

    fn ask(&mut self, mode: Mode, accept: AcceptLoss) {
        let lease = self.world.env.store.lease().expect("a lease");
        let request = self.world.request(mode, 1, lease.epoch, accept);
        self.world.ask(request);
    }
}

/// Two nodes, and nothing goes wrong by itself.
fn calm(ack_policy: AckPolicy, mutation: Option<Mutation>) -> Env {
    let seed = 0;
    let mut chance = Chance::new(seed);
    let scenario = Scenario {
        nodes: 2,
        shards: 2,
        ack_policy,
        failover: FailoverPolicy::Manual,
        failsafe: understudy_protocol::control::Failsafe::Off,
        store_trouble_per_mille: 0,
        clients: 3,
        link_delay: Duration::from_millis(2),
        flush_delay: Duration::from_millis(3),
        ..Scenario::draw(seed, &mut chance)
    };
    Env::new(chance, scenario, mutation, Trace::Off)
}
