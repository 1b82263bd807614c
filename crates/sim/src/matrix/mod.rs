//! The crash matrix: the power of one node goes exactly at one step on which
//! durability rests, for every step that its role takes; then everything must
//! heal, and every invariant hold.
//!
//! The steps are not listed here: the disk and the store report them. A scene
//! is played once to see which steps there are, then once for each of them,
//! each moment, and the first, a middle and the last time that it comes.

mod scene;

use crate::lease_steps::LeaseStep;
use crate::mutation::Mutation;
use crate::world::World;
use scene::{LENGTH, Scene};
use std::collections::BTreeMap;
use std::fmt;
use understudy_log::sim::{Moment, Step};
use understudy_protocol::AckPolicy;

/// What the node is about when its power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Serves.
    Primary,
    /// Hands its role over to the standby.
    HandingOver,
    /// Was the primary, and comes back to its own lease.
    Restarting,
    /// Gives its lease back at its orderly end.
    Stopping,
    /// Follows.
    Standby,
    /// Comes back from a power cut in the middle of a flush.
    Recovering,
    /// Takes over from a primary that is gone.
    Promoting,
    /// Takes over from a primary that hands over.
    TakingOver,
    /// Was the primary, and comes back with a divergent tail.
    Rejoining,
}

impl Role {
    pub const ALL: [Role; 9] = [
        Role::Primary,
        Role::HandingOver,
        Role::Restarting,
        Role::Stopping,
        Role::Standby,
        Role::Recovering,
        Role::Promoting,
        Role::TakingOver,
        Role::Rejoining,
    ];

    /// Under `replicated` nothing diverges that the other site has not seen.
    fn policies(self) -> Vec<AckPolicy> {
        match self {
            Role::Rejoining => vec![AckPolicy::Local],
            _ => vec![AckPolicy::Replicated, AckPolicy::Local],
        }
    }
}

/// A step on which durability rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DurableStep {
    Disk(Step),
    /// A write of the lease. Torn, it is written and its answer is lost; the
    /// node lives.
    Lease(LeaseStep),
}

impl fmt::Display for DurableStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DurableStep::Disk(Step { subject, change }) => write!(f, "{subject:?}: {change:?}"),
            DurableStep::Lease(step) => write!(f, "Lease: {step:?}"),
        }
    }
}

/// One crash, and what came of it.
#[derive(Clone, Debug)]
pub struct Cell {
    pub role: Role,
    pub policy: AckPolicy,
    pub step: DurableStep,
    pub moment: Moment,
    /// Of this step in this scene, counted from 0.
    pub occurrence: u64,
    /// An error says which invariant did not hold, or that the step did not
    /// come.
    pub verdict: Result<(), String>,
}

/// How many of a step's occurrences are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// The last.
    Quick,
    /// The first, one in the middle, and the last.
    Whole,
}

/// Plays all scenes of a role, with a line broken or none.
pub fn crash_matrix(
    role: Role,
    thoroughness: Thoroughness,
    mutation: Option<Mutation>,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for policy in role.policies() {
        for (step, count) in steps_of(role, policy) {
            for occurrence in occurrences(count, thoroughness) {
                for moment in Moment::ALL {
                    let scene = Scene::set(role, policy, mutation);
                    cells.push(Cell {
                        role,
                        policy,
                        step,
                        moment,
                        occurrence,
                        verdict: crash(scene, step, moment, occurrence),
                    });
                }
            }
        }
    }
    cells
}

fn occurrences(count: u64, thoroughness: Thoroughness) -> Vec<u64> {
    let mut chosen = match thoroughness {
        Thoroughness::Quick => vec![count - 1],
        Thoroughness::Whole => vec![0, count / 2, count - 1],
    };
    chosen.dedup();
    chosen
}

/// The steps that the node takes while nothing goes wrong, and how often.
fn steps_of(role: Role, policy: AckPolicy) -> BTreeMap<DurableStep, u64> {
    let mut scene = Scene::set(role, policy, None);
    let node = scene.node();
    let before = counts(&scene.world, node);
    scene.play(|_| false);
    let mut after = counts(&scene.world, node);
    for (step, count) in before {
        *after.get_mut(&step).expect("counts only grow") -= count;
    }
    after.retain(|_, count| *count > 0);
    after
}

fn counts(world: &World, node: usize) -> BTreeMap<DurableStep, u64> {
    let disk = world.node(node).disk.steps();
    let disk = disk
        .into_iter()
        .map(|(step, n)| (DurableStep::Disk(step), n));
    let lease = world.env.lease_steps.counts(node);
    let lease = lease
        .into_iter()
        .map(|(step, n)| (DurableStep::Lease(step), n));
    disk.chain(lease).collect()
}

fn crash(
    mut scene: Scene,
    step: DurableStep,
    moment: Moment,
    occurrence: u64,
) -> Result<(), String> {
    let node = scene.node();
    let (machine, env) = scene.world.node_in(node);
    machine.loses_power_at(env, step, occurrence, moment);
    let has_come = |world: &World| match step {
        DurableStep::Disk(_) => !world.node(node).disk.awaits_cut(),
        DurableStep::Lease(_) => !world.env.lease_steps.awaits_cut(),
    };
    let came = scene.play(has_come);
    let mut world = scene.world;
    // What follows from it, with nobody's help at first.
    world.run_until(LENGTH, |_| false);
    world.heal();
    match &world.env.violation {
        Some(violation) => Err(format!("{}: {}", violation.invariant, violation.what)),
        None if !came => Err("the step did not come".to_owned()),
        None => Ok(()),
    }
}
