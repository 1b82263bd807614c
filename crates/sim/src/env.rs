//! Everything around the nodes: time, chance, the store, the network, and
//! those who watch.

use crate::chance::Chance;
use crate::invariants::{Invariant, Invariants, Verdict};
use crate::lease_steps::LeaseSteps;
use crate::mutation::Mutation;
use crate::network::Network;
use crate::node::Task;
use crate::oracle::Oracle;
use crate::queue::{Happening, Queue};
use crate::scenario::Scenario;
use crate::stats::Stats;
use crate::store::Store;
use crate::time::SimTime;
use crate::trace::Trace;
use std::time::Duration;

/// An invariant that did not hold, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
    pub at: SimTime,
}

#[derive(Debug)]
pub(crate) struct Env {
    pub now: SimTime,
    pub queue: Queue,
    pub chance: Chance,
    pub scenario: Scenario,
    pub mutation: Option<Mutation>,
    pub store: Store,
    pub lease_steps: LeaseSteps,
    pub network: Network,
    pub oracle: Oracle,
    pub invariants: Invariants,
    pub stats: Stats,
    pub trace: Trace,
    pub violation: Option<Violation>,
    /// Faults are over: what is broken must heal now.
    pub healing: bool,
    /// Clients have done enough: what is under way may come to rest.
    pub resting: bool,
}

impl Env {
    pub(crate) fn new(
        chance: Chance,
        scenario: Scenario,
        mutation: Option<Mutation>,
        trace: Trace,
    ) -> Env {
        Env {
            now: SimTime::ZERO,
            queue: Queue::default(),
            store: Store::new(&scenario),
            lease_steps: LeaseSteps::default(),
            network: Network::default(),
            oracle: Oracle::new(scenario.shards),
            invariants: Invariants::default(),
            stats: Stats::default(),
            violation: None,
            healing: false,
            resting: false,
            chance,
            scenario,
            mutation,
            trace,
        }
    }

    pub(crate) fn is_broken(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    pub(crate) fn after(&mut self, delay: Duration, happening: Happening) {
        self.queue.push(self.now + delay, happening);
    }

    pub(crate) fn task(&mut self, delay: Duration, node: usize, life: u32, task: Task) {
        self.after(delay, Happening::Task { node, life, task });
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        self.trace.say(self.now, line);
    }

    /// Notes the first violation; the run ends with it.
    pub(crate) fn demand(&mut self, invariant: Invariant, verdict: Verdict) {
        let Err(what) = verdict else { return };
        self.say(|| format!("VIOLATION {invariant}: {what}"));
        let at = self.now;
        self.violation.get_or_insert(Violation {
            invariant,
            what,
            at,
        });
    }
}
