//! The plan of faults: one after the other, drawn as time goes.

use super::World;
use crate::network;
use crate::queue::Happening;
use crate::scenario::Scenario;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    PowerCut,
    PowerCutSoon,
    Pause,
    PartitionOneWay,
    Partition,
    Isolate,
    StoreDark,
    StoreDarkForOne,
    DiskFull,
    /// The power goes while the log deals with a full disk.
    DiskFullThenPowerCut,
    DiskSlow,
    FlushFails,
    BlankDisk,
    /// A bit flips in an old segment while the process is down.
    DiskRots,
    Shutdown,
    BitFlip,
    WallClockJumps,
    LeaseDeleted,
}

/// Each as often as it stands here.
const FAULTS: &[Fault] = &[
    Fault::Kill,
    Fault::Kill,
    Fault::PowerCut,
    Fault::PowerCut,
    Fault::PowerCutSoon,
    Fault::PowerCutSoon,
    Fault::Pause,
    Fault::Pause,
    Fault::Pause,
    Fault::PartitionOneWay,
    Fault::PartitionOneWay,
    Fault::Partition,
    Fault::Partition,
    Fault::Isolate,
    Fault::StoreDark,
    Fault::StoreDarkForOne,
    Fault::StoreDarkForOne,
    Fault::DiskFull,
    Fault::DiskFullThenPowerCut,
    Fault::DiskSlow,
    Fault::FlushFails,
    Fault::BlankDisk,
    Fault::DiskRots,
    Fault::Shutdown,
    Fault::BitFlip,
    Fault::WallClockJumps,
    Fault::LeaseDeleted,
];

impl Fault {
    /// Whether nothing would be left, where one node has everything.
    fn takes_what_is_alone(self) -> bool {
        matches!(
            self,
            Fault::BlankDisk | Fault::DiskRots | Fault::LeaseDeleted
        )
    }
}

impl World {
    pub(super) fn fault_due(&mut self) {
        if self.env.healing {
            return;
        }
        let gap = self.env.scenario.fault_gap;
        let next = self.env.chance.between(Duration::from_millis(50), gap);
        self.env.after(next, Happening::FaultDue);
        if self.env.scenario.is_automatic() && self.env.chance.percent(20) {
            return self.holder_dies();
        }
        if self.env.scenario.flips_states && self.env.chance.percent(40) {
            return self.state_flips();
        }
        if self.env.scenario.loses_store && self.env.chance.percent(15) {
            return self.lose_store();
        }
        let fault = self.env.chance.pick(FAULTS);
        let node = self.env.chance.index(self.nodes.len());
        self.strike(fault, node);
    }

    /// From a blink to several times the lease's ttl.
    fn while_(&mut self) -> Duration {
        let ttl = self.env.scenario.timing.ttl;
        let most = if self.env.chance.percent(50) {
            ttl / 3
        } else {
            3 * ttl
        };
        self.env.chance.between(Duration::from_millis(20), most)
    }

    fn strike(&mut self, fault: Fault, node: usize) {
        let duration = self.while_();
        let env = &mut self.env;
        env.say(|| format!("fault {fault:?} at n{node} for {duration:?}"));
        let other = (node + 1 + env.chance.index(self.nodes.len() - 1)) % self.nodes.len();
        if fault.takes_what_is_alone() && env.store.alone.is_some() {
            return;
        }
        match fault {
            Fault::Kill if self.nodes[node].is_up() => {
                env.stats.fault("process: killed");
                self.nodes[node].killed(env);
                env.after(duration, Happening::Restart { node });
            }
            Fault::PowerCut if self.nodes[node].is_up() => {
                self.nodes[node].power_fails(env);
                env.after(duration, Happening::Restart { node });
            }
            Fault::PowerCutSoon if self.nodes[node].is_up() => {
                let changes = env.chance.below(8);
                self.nodes[node].power_fails_within(env, changes);
            }
            Fault::Pause if self.nodes[node].is_up() => {
                env.stats.fault("process: paused");
                self.nodes[node].pause();
                env.after(duration, Happening::Resume { node });
            }
            Fault::DiskRots if self.nodes[node].is_up() => {
                self.nodes[node].killed(env);
                self.nodes[node].rots(env);
                env.after(duration, Happening::Restart { node });
            }
            Fault::BlankDisk => self.blank_disk(node, duration),
            Fault::Shutdown => self.shut_down(node),
            Fault::PartitionOneWay => {
                env.stats.fault("network: one-way partition");
                network::block(env, node, other, duration);
            }
            Fault::Partition => {
                env.stats.fault("network: partition");
                network::block(env, node, other, duration);
                network::block(env, other, node, duration);
            }
            Fault::Isolate => self.isolate(node, duration),
            Fault::BitFlip => env.network.flip_next_batch = true,
            Fault::StoreDark => {
                env.stats.fault("store: dark for all");
                env.store.dark_until = env.now + duration;
            }
            Fault::StoreDarkForOne => {
                env.stats.fault("store: dark for one");
                env.store.dark_for_node_until[node] = env.now + duration;
            }
            Fault::LeaseDeleted if env.chance.percent(20) => {
                env.stats.fault("store: lease deleted");
                env.store.delete_lease();
                env.after(duration, Happening::LeaseRestored);
            }
            Fault::DiskFullThenPowerCut if self.nodes[node].is_up() => {
                env.stats.fault("disk: full, then a power cut");
                let (left, changes) = (env.chance.below(600), env.chance.below(24));
                self.nodes[node].disk.limit_space(Some(left));
                self.nodes[node].power_fails_within(env, changes);
                env.after(duration, Happening::DiskHeals { node });
            }
            Fault::DiskFull | Fault::DiskSlow | Fault::FlushFails => {
                self.disk_fault(fault, node, duration)
            }
            Fault::WallClockJumps => {
                env.stats.fault("clock: wall clock jumped");
                let skew = env.chance.below(7_200_000) as i64 - 3_600_000;
                self.nodes[node].clock.wall_skew_millis = skew;
            }
            _ => {}
        }
    }

    /// For about as long as it takes until a standby acts by itself.
    fn holder_dies(&mut self) {
        let env = &mut self.env;
        let lease = env.store.lease();
        let Some(holder) = lease.and_then(|lease| lease.holder) else {
            return;
        };
        let node = Scenario::node_index(&holder.node);
        env.stats.fault("process: the holder's killed for long");
        self.nodes[node].killed(env);
        let hold_off = env.scenario.failover.hold_off().unwrap_or_default();
        let duration = env.scenario.timing.ttl + hold_off + env.chance.millis(0, 4000);
        env.after(duration, Happening::Restart { node });
    }

    /// In the memory of a standby.
    fn state_flips(&mut self) {
        let env = &mut self.env;
        let node = env.chance.index(self.nodes.len());
        let process = self.nodes[node].process.as_mut();
        let Some(process) = process.filter(|process| process.is_following()) else {
            return;
        };
        env.stats.fault("memory: a standby's state flipped");
        env.say(|| format!("fault: the state of n{node} flips"));
        let shard = env.chance.index(process.shards.len());
        process.shards[shard].flip();
    }

    fn disk_fault(&mut self, fault: Fault, node: usize, duration: Duration) {
        let env = &mut self.env;
        match fault {
            Fault::DiskFull => {
                env.stats.fault("disk: full");
                let left = env.chance.below(3000);
                self.nodes[node].disk.limit_space(Some(left));
            }
            Fault::DiskSlow => {
                env.stats.fault("disk: slow");
                self.nodes[node].slowness = 12;
            }
            _ => {
                env.stats.fault("disk: flush failed");
                let successes = env.chance.below(4);
                self.nodes[node].disk.fail_sync_after(successes);
            }
        }
        env.after(duration, Happening::DiskHeals { node });
    }

    fn isolate(&mut self, node: usize, duration: Duration) {
        let env = &mut self.env;
        env.stats.fault("network: isolated");
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            network::block(env, node, other, duration);
            network::block(env, other, node, duration);
        }
        env.store.dark_for_node_until[node] = env.now + duration;
    }

    pub(super) fn blank_disk(&mut self, node: usize, back_after: Duration) {
        let env = &mut self.env;
        env.stats.fault("disk: replaced by a blank one");
        self.nodes[node].power_fails(env);
        self.nodes[node].found_disk(env);
        env.after(back_after, Happening::Restart { node });
    }

    pub(crate) fn shut_down(&mut self, node: usize) {
        let env = &mut self.env;
        let Some(life) = self.nodes[node].life() else {
            return;
        };
        env.stats.fault("process: asked to end");
        let task = crate::node::Task::Tell(Box::new(understudy_protocol::Event::Shutdown));
        env.task(Duration::ZERO, node, life, task);
    }
}
