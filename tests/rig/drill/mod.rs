//! Switchovers, kills and freezes of a pair under load, again and again, with
//! everything that its clients were told written down and judged.
//!
//! Two kinds of load run at once. Writers put keys of their own, so that each
//! acknowledged write is looked for afterwards. The clients of a [`History`]
//! read and change a few keys together, so that it can be asked whether one
//! order explains all answers.
//!
//! [`History`]: understudy_loadgen::History

mod fault;
mod growth;
mod histories;
mod moves;
mod report;
mod round;

pub use fault::Fault;
pub use growth::{Growth, Resources};
pub use report::DrillReport;
pub use round::{loss_bound, wait_for_more};

use crate::{Rig, RigOptions, Side};
use histories::Histories;
use rand::{SeedableRng, rngs::SmallRng};

/// What to repeat.
#[derive(Clone, Debug)]
pub struct DrillOptions {
    pub pair: RigOptions,
    /// Decides the faults, their moments, and what the clients do. The
    /// processes' own timing it does not decide.
    pub seed: u64,
    /// Rounds with faults of all kinds that the policy allows.
    pub rounds: u32,
    /// Further rounds until so many histories are whole.
    pub histories: u32,
    /// Answered operations after which a history is judged.
    pub operations: u64,
    /// After all rounds: switchovers back and forth, nothing else.
    pub switchovers: u32,
    /// Given as `--fenced-by` where a primary was killed; skips the wait.
    pub fenced_by: Option<String>,
}

impl DrillOptions {
    pub fn new(pair: RigOptions, seed: u64) -> DrillOptions {
        DrillOptions {
            pair,
            seed,
            rounds: 0,
            histories: 0,
            operations: 10_000,
            switchovers: 0,
            fenced_by: None,
        }
    }
}

/// Runs all of it on one pair. Panics when a round cannot be completed.
pub async fn run(options: &DrillOptions) -> DrillReport {
    let mut drill = Drill {
        rig: Rig::start(options.pair.clone()).await,
        chance: SmallRng::seed_from_u64(options.seed),
        primary: Side::Alpha,
        histories: Histories::new(options.seed, options.operations),
        report: DrillReport::default(),
        options: options.clone(),
    };
    let mut round = 0;
    while round < options.rounds || drill.report.histories < options.histories {
        let fault = Fault::draw(&mut drill.chance, options.pair.policy);
        drill.round(fault).await;
        round += 1;
    }
    drill.end_history().await;
    if options.switchovers > 0 {
        drill.move_back_and_forth().await;
    }
    drill.compare_states().await;
    drill.report
}

/// One pair, and what was found on it.
#[derive(Debug)]
struct Drill {
    options: DrillOptions,
    rig: Rig,
    chance: SmallRng,
    primary: Side,
    histories: Histories,
    report: DrillReport,
}
