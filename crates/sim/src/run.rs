//! One seed, from its first event to its verdict.

use crate::chance::Chance;
use crate::env::{Env, Violation};
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use crate::stats::Stats;
use crate::trace::Trace;
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    Off,
    On,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub seed: u64,
    pub violation: Option<Violation>,
    pub stats: Stats,
    /// Empty unless asked for.
    pub trace: Vec<String>,
    /// The next random number and the time at the end: two runs of a seed
    /// that differ anywhere differ here.
    pub fingerprint: (u64, u64),
}

/// Runs a seed. A function of its arguments and of nothing else.
pub fn run(seed: u64, mutation: Option<Mutation>, tracing: Tracing) -> Outcome {
    let mut chance = Chance::new(seed);
    let scenario = Scenario::draw(seed, &mut chance);
    let trace = match tracing {
        Tracing::Off => Trace::Off,
        Tracing::On => Trace::Kept(Vec::new()),
    };
    let mut env = Env::new(chance, scenario, mutation, trace);
    env.say(|| format!("seed {seed}"));
    let mut world = World::new(env);
    world.run();
    let mut env = world.env;
    Outcome {
        seed,
        violation: env.violation,
        stats: env.stats,
        trace: env.trace.into_lines(),
        fingerprint: (env.chance.next(), env.now.as_nanos()),
    }
}
