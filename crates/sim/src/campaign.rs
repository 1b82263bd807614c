//! Many seeds, on as many threads as there are cores. Each seed is a run of
//! its own, so the summary does not depend on which thread took it.

use crate::mutation::Mutation;
use crate::run::{Tracing, run};
use crate::stats::Stats;
use crate::{Invariant, Outcome, Violation};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    pub from: u64,
    pub seeds: u64,
    pub mutation: Option<Mutation>,
    /// Stop at the first failure instead of finding all.
    pub stop_early: StopEarly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopEarly {
    AtFirstFailure,
    Never,
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    pub violation: Violation,
}

impl Failure {
    pub fn invariant(&self) -> Invariant {
        self.violation.invariant
    }
}

#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub seeds: u64,
    pub stats: Stats,
    /// Ascending by seed.
    pub failures: Vec<Failure>,
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.stats += &outcome.stats;
        if let Some(violation) = outcome.violation {
            self.failures.push(Failure {
                seed: outcome.seed,
                violation,
            });
        }
    }
}

pub fn campaign(plan: Campaign) -> Summary {
    let summary = Mutex::new(Summary::default());
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            if offset >= plan.seeds {
                break;
            }
            let outcome = run(plan.from + offset, plan.mutation, Tracing::Off);
            if outcome.violation.is_some() && plan.stop_early == StopEarly::AtFirstFailure {
                stop.store(true, Ordering::Relaxed);
            }
            summary.lock().expect("no thread panics here").add(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut summary = summary.into_inner().expect("no thread panics here");
    summary.failures.sort_by_key(|failure| failure.seed);
    summary
}
