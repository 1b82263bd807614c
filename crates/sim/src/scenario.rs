//! What a seed decides before anything happens.

use crate::chance::Chance;
use std::collections::BTreeSet;
use std::time::Duration;
use understudy_protocol::control::Failsafe;
use understudy_protocol::control::HookPhase;
use understudy_protocol::{AckPolicy, FailoverPolicy, Timing};
use understudy_types::{ClusterId, NodeId, ShardName};

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub cluster: ClusterId,
    pub nodes: usize,
    pub shards: usize,
    pub ack_policy: AckPolicy,
    pub failover: FailoverPolicy,
    pub failsafe: Failsafe,
    pub timing: Timing,
    pub hooks: BTreeSet<HookPhase>,
    /// How long faults go on.
    pub faults_for: Duration,
    /// Between two faults, on average about half of it.
    pub fault_gap: Duration,
    /// Between two acts of an operator.
    pub operator_gap: Duration,
    /// Of a thousand requests to the store, how many go wrong.
    pub store_trouble_per_mille: u64,
    pub clients: usize,
    /// The longest that a message takes on its way.
    pub link_delay: Duration,
    /// The longest that a flush takes.
    pub flush_delay: Duration,
    /// Whether bits flip in the memory of standbys. Every thirteenth seed; not
    /// drawn, so that a seed from before is the run that it was.
    pub flips_states: bool,
    /// Whether the object store is given up, now and then. Every
    /// nineteenth seed; not drawn either.
    pub loses_store: bool,
}

fn quick_timing() -> Timing {
    let timing = Timing {
        ttl: Duration::from_millis(3000),
        margin: Duration::from_millis(300),
        renew_every: Duration::from_millis(600),
        poll_every: Duration::from_millis(300),
        attempt_timeout: Duration::from_millis(500),
        handover_timeout: Duration::from_millis(800),
        standby_timeout: Duration::from_millis(1200),
    };
    timing.checked().expect("the simulator's times are sound")
}

/// Every fourth seed has nodes that may act by themselves. Not drawn, so that
/// a seed from before is the run that it was.
fn failover_of(seed: u64) -> FailoverPolicy {
    if seed % 4 != 1 {
        return FailoverPolicy::Manual;
    }
    let hold_off = [1600, 3000][(seed / 4 % 2) as usize].mul_millis();
    FailoverPolicy::automatic(Some(hold_off), &quick_timing()).expect("a sound hold-off")
}

/// Two of sixteen seeds, one of them with nodes that act by themselves, have
/// nodes with hooks. Not drawn either.
fn hooks_of(seed: u64) -> BTreeSet<HookPhase> {
    match seed % 16 {
        9 | 14 => [HookPhase::BeforePromotion, HookPhase::AfterPromotion].into(),
        _ => BTreeSet::new(),
    }
}

/// Every third seed has primaries that may go on by their standbys' word. Not
/// drawn, for the same reason.
fn failsafe_of(seed: u64) -> Failsafe {
    match seed % 3 {
        2 => Failsafe::On,
        _ => Failsafe::Off,
    }
}

impl Scenario {
    pub(crate) fn draw(seed: u64, chance: &mut Chance) -> Scenario {
        let calm = chance.percent(15);
        let scenario = Scenario {
            cluster: ClusterId::from_bytes(chance.bytes()),
            nodes: if chance.percent(60) { 2 } else { 3 },
            shards: 1 + chance.index(3).min(chance.index(3)),
            ack_policy: if chance.percent(60) {
                AckPolicy::Replicated
            } else {
                AckPolicy::Local
            },
            failover: failover_of(seed),
            failsafe: failsafe_of(seed),
            timing: quick_timing(),
            hooks: hooks_of(seed),
            faults_for: chance.millis(20_000, 50_000),
            fault_gap: if calm {
                chance.millis(6000, 12_000)
            } else {
                chance.millis(800, 4000)
            },
            operator_gap: chance.millis(1500, 12_000),
            store_trouble_per_mille: chance.pick(&[0, 10, 40, 120]),
            clients: 2 + chance.index(2),
            link_delay: chance.pick(&[2, 10, 60]).mul_millis(),
            flush_delay: chance.pick(&[3, 20, 80]).mul_millis(),
            flips_states: seed % 13 == 8,
            loses_store: seed % 19 == 10,
        };
        scenario.left_alone(seed)
    }

    /// Nodes act by themselves only where they are left alone, and never
    /// under `local`.
    fn left_alone(mut self, seed: u64) -> Scenario {
        if self.is_automatic() {
            self.operator_gap *= 3;
            if !seed.is_multiple_of(5) {
                self.ack_policy = AckPolicy::Replicated;
            }
        }
        self
    }

    pub(crate) fn is_automatic(&self) -> bool {
        self.failover != FailoverPolicy::Manual
    }

    pub(crate) fn node_name(node: usize) -> NodeId {
        ["n0", "n1", "n2"][node].parse().expect("a valid name")
    }

    /// The number of a node, of which the name is `n` and that number.
    pub(crate) fn node_index(name: &NodeId) -> usize {
        name.as_str()[1..].parse().expect("a node of this run")
    }

    pub(crate) fn shard_name(shard: usize) -> ShardName {
        ["s0", "s1", "s2"][shard].parse().expect("a valid name")
    }
}

trait MulMillis {
    fn mul_millis(self) -> Duration;
}

impl MulMillis for u64 {
    fn mul_millis(self) -> Duration {
        Duration::from_millis(self)
    }
}
