//! The end of a run: faults stop, and the pair must heal by itself, or by
//! what an operator would do; then everything acknowledged must be there.

use super::World;
use crate::env::Env;
use crate::invariants::{self, Invariant};
use crate::network;
use crate::node::{Node, Shard};
use crate::queue::Happening;
use std::time::Duration;
use understudy_protocol::control::Failsafe;
use understudy_protocol::{AcceptLoss, AckPolicy, LossBound, Mode, RoleName};

/// How often the pair is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long there may be no primary before an operator acts, in looks.
const PATIENCE_LOOKS: u32 = 24;
/// How long healing may take in all.
const LIMIT: Duration = Duration::from_secs(150);

#[derive(Debug, Default)]
pub(super) struct Healing {
    /// Looks in a row that found no primary.
    without_primary: u32,
    /// What clients had acknowledged when healing began.
    acknowledged_before: Option<u64>,
    /// What is still wrong, for the report.
    wanting: String,
}

impl World {
    pub(super) fn health_due(&mut self) {
        if !self.env.healing {
            self.stop_faults();
        }
        self.help();
        match self.is_healed() {
            Ok(()) => {
                self.check_at_rest();
                self.done = true;
            }
            Err(wanting) => {
                self.env.say(|| format!("not healed: {wanting}"));
                self.healing.wanting = wanting;
                if self.age() > self.env.scenario.faults_for + LIMIT {
                    let verdict = Err(self.healing.wanting.clone());
                    self.env.demand(Invariant::Heals, verdict);
                }
                self.env.after(LOOK_EVERY, Happening::HealthDue);
            }
        }
    }

    fn stop_faults(&mut self) {
        let env = &mut self.env;
        env.say(|| "faults stop".to_owned());
        env.healing = true;
        env.store.restore_lease();
        env.store.dark_until = env.now;
        env.store
            .dark_for_node_until
            .iter_mut()
            .for_each(|until| *until = env.now);
        for from in 0..self.nodes.len() {
            for to in 0..self.nodes.len() {
                while env.network.is_blocked(from, to) {
                    network::unblock(env, from, to);
                }
            }
        }
        for node in &mut self.nodes {
            node.slowness = 1;
            node.disk.limit_space(None);
            node.resume(env);
            env.after(
                Duration::from_millis(100),
                Happening::Restart { node: node.index },
            );
        }
        self.make_states_anew(|_| true);
        let acknowledged = self.clients.iter().map(|client| client.acknowledged).sum();
        self.healing.acknowledged_before = Some(acknowledged);
    }

    /// Where bits have flipped in memories.
    fn make_states_anew(&mut self, which: fn(&Shard) -> bool) {
        let env = &mut self.env;
        if !env.scenario.flips_states {
            return;
        }
        for node in &mut self.nodes {
            let Some(process) = &mut node.process else {
                continue;
            };
            let life = process.id();
            for shard in process.shards.iter_mut().filter(|shard| which(shard)) {
                if shard.make_anew(env, life).is_err() {
                    env.say(|| format!("the state of n{} cannot be made anew", life.0));
                }
            }
        }
    }

    /// What an operator with a runbook does, and no more.
    fn help(&mut self) {
        self.reseed_strangers();
        // Also by a word of a primary that was not made anew yet when it said it.
        self.make_states_anew(Shard::is_diverged);
        if self.nodes.iter().any(|node| open_primary(&self.env, node)) {
            self.healing.without_primary = 0;
            return;
        }
        self.healing.without_primary += 1;
        if !self.healing.without_primary.is_multiple_of(PATIENCE_LOOKS) {
            return;
        }
        let Some(lease) = self.env.store.lease() else {
            return;
        };
        let Some(target) = self.env.store.alone.or_else(|| self.best_target()) else {
            return;
        };
        let mut request = self.request(Mode::Failover, target, lease.epoch, AcceptLoss::Unknown);
        if self.env.scenario.failsafe == Failsafe::On {
            // None of those that the lease names may be left.
            request.fenced_by = Some("nobody has served for a long time".to_owned());
        }
        self.ask(request);
    }

    /// The runbook: a standby without loss first, else the longest log.
    fn best_target(&self) -> Option<usize> {
        let value = |node: &&Node| {
            let process = node.process.as_ref()?;
            let bound = process
                .control()
                .view(node.clock.boot_time(self.env.now))
                .loss_bound;
            let records: u64 = process
                .shards
                .iter()
                .map(|shard| shard.shadow.records())
                .sum();
            Some((bound == Some(LossBound::Nothing), records))
        };
        let best = self.nodes.iter().max_by_key(value)?;
        best.is_up().then_some(best.index)
    }

    /// A node whose history has nothing in common with the primary's gets an
    /// empty disk: only an operator may decide that.
    fn reseed_strangers(&mut self) {
        for index in 0..self.nodes.len() {
            let stranger = self.nodes[index]
                .process
                .as_ref()
                .is_some_and(|p| p.nothing_shared);
            if stranger {
                self.env.say(|| format!("operator reseeds n{index}"));
                self.blank_disk(index, Duration::from_millis(200));
            }
        }
    }

    fn is_healed(&mut self) -> Result<(), String> {
        let primary = self.serves_again()?;
        self.env.resting = true;
        self.have_converged(&self.nodes[primary])
    }

    /// The number of the one primary, if clients are served.
    fn serves_again(&self) -> Result<usize, String> {
        let primaries: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| open_primary(&self.env, node))
            .collect();
        let [primary] = primaries[..] else {
            let roles: Vec<_> = self
                .nodes
                .iter()
                .map(|node| role(&self.env, node))
                .collect();
            return Err(format!("not exactly one primary: {roles:?}"));
        };
        let Some(lease) = self.env.store.lease() else {
            return Err("no lease".to_owned());
        };
        if self.env.scenario.ack_policy == AckPolicy::Replicated
            && lease.in_sync.len() + 1 < self.nodes.len()
        {
            return Err(format!("in sync are only {:?}", lease.in_sync));
        }
        let acknowledged: u64 = self.clients.iter().map(|client| client.acknowledged).sum();
        let before = self.healing.acknowledged_before.unwrap_or_default();
        if acknowledged < before + self.clients.len() as u64 {
            return Err("clients get no acknowledgements".to_owned());
        }
        Ok(primary.index)
    }

    fn have_converged(&self, primary: &Node) -> Result<(), String> {
        let Some(first) = &primary.process else {
            return Err("no process".to_owned());
        };
        for node in &self.nodes {
            let Some(process) = &node.process else {
                return Err(format!("n{} is down", node.index));
            };
            for (here, there) in first.shards.iter().zip(&process.shards) {
                let same =
                    here.log.flushed() == there.log.flushed() && here.applied == there.applied;
                let quiet =
                    here.is_quiet() && there.is_quiet() && here.applied == here.log.flushed();
                if !same || !quiet {
                    return Err(format!(
                        "n{} s{} stands at {:?} applied {:?}, the primary at {:?} applied {:?}",
                        node.index,
                        here.index,
                        there.log.flushed(),
                        there.applied,
                        here.log.flushed(),
                        here.applied
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_at_rest(&mut self) {
        let World { env, nodes, .. } = self;
        let logs: Vec<Vec<_>> = nodes
            .iter()
            .filter_map(|node| node.process.as_ref())
            .map(|process| process.shards.iter().map(|shard| &shard.shadow).collect())
            .collect();
        for node in &logs {
            for (shard, log) in node.iter().enumerate() {
                invariants::survived(env, shard, log);
                let verdict = invariants::unique_at_rest(&env.oracle, shard, log);
                env.demand(Invariant::NothingFalls, verdict);
                env.demand(
                    Invariant::NothingFalls,
                    invariants::at_rest(shard, logs[0][shard], log),
                );
            }
        }
    }
}

fn role(env: &Env, node: &Node) -> Option<RoleName> {
    node.process
        .as_ref()
        .map(|process| process.role(node.clock.boot_time(env.now)))
}

pub(super) fn open_primary(env: &Env, node: &Node) -> bool {
    let serves = role(env, node) == Some(RoleName::Primary);
    serves
        && node
            .process
            .as_ref()
            .is_some_and(|process| process.open_epoch().is_some())
}
