use super::Growth;
use crate::{Findings, Spread};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use understudy_loadgen::Verification;

/// What all rounds gave.
#[derive(Clone, Debug, Default)]
pub struct DrillReport {
    pub rounds: u32,
    pub kills: u32,
    /// Rounds in which the primary was killed with no standby beside it.
    pub kills_alone: u32,
    pub freezes: u32,
    pub switchovers: u32,
    pub acknowledged: u64,
    /// Of these, while there was no standby.
    pub acknowledged_alone: u64,
    pub missing: u64,
    pub doubled: u64,
    pub otherwise_wrong: u64,
    /// Rounds in which something older than the stated bound was missing.
    pub beyond_bound: u32,
    /// Rounds whose bound was stated as unknown.
    pub unknown_bounds: u32,
    /// The bounds that were stated.
    pub bounds: Spread,
    /// In rounds with a loss, the age of what was lost.
    pub losses: Spread,
    /// From the request to the first acknowledged write, with the evidence
    /// that the old primary is gone.
    pub rto: Spread,
    /// The same without it: the old lease has to run out.
    pub rto_with_wait: Spread,
    /// The longest time without an acknowledgement in each switchover.
    pub pause: Spread,
    pub histories: u32,
    pub operations: u64,
    pub unknown_operations: u64,
    /// What no order of operations explains, and what watchers missed.
    pub violations: u64,
    pub growth: Option<Growth>,
    pub(super) current: Current,
}

/// What is known of the failover under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Current {
    /// When the bound was asked for, and what it is.
    pub(super) stated: Option<(Instant, Option<Duration>)>,
    /// When it was asked for, how many writes were acknowledged until then,
    /// and whether there was evidence that the old primary is gone.
    pub(super) asked: Option<(Instant, u64, bool)>,
}

impl DrillReport {
    /// Nothing twice, nothing else wrong, nothing missing but what was stated
    /// before, one order for all operations, and no growth.
    pub fn is_sound(&self) -> bool {
        let wrong = self.doubled + self.otherwise_wrong + self.violations;
        let grows = self.growth.as_ref().and_then(Growth::is_bounded) == Some(false);
        wrong == 0 && self.beyond_bound == 0 && !grows
    }

    pub(super) fn note_bound(&mut self, bound: Option<Duration>) {
        match bound {
            Some(bound) => self.bounds.add(bound),
            None => self.unknown_bounds += 1,
        }
    }

    pub(super) fn note_findings(&mut self, findings: &Findings, bound: Option<Duration>) {
        self.acknowledged += findings.acknowledged;
        self.missing += findings.missing;
        self.doubled += findings.doubled;
        self.otherwise_wrong += findings.otherwise_wrong;
        let Some(age) = findings.oldest_missing else {
            return;
        };
        self.losses.add(age);
        self.beyond_bound += u32::from(bound.is_some_and(|bound| age > bound));
    }

    /// Nothing may be missing after a switchover.
    pub(super) fn note_switched(&mut self, found: &Verification) {
        for (name, violation) in found.violations() {
            match name {
                "missing" => {
                    self.missing += violation.count;
                    self.beyond_bound += u32::from(violation.count > 0);
                }
                "doubled" => self.doubled += violation.count,
                _ => self.otherwise_wrong += violation.count,
            }
        }
    }
}

impl fmt::Display for DrillReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.violations {
            0 => "linearizable".to_owned(),
            count => format!("NOT LINEARIZABLE, {count} violations"),
        };
        writeln!(f, "rounds             {}", self.rounds)?;
        writeln!(f, "kills              {}", self.kills)?;
        writeln!(f, "  with no standby  {} rounds", self.kills_alone)?;
        writeln!(f, "freezes            {}", self.freezes)?;
        writeln!(f, "switchovers        {}", self.switchovers)?;
        writeln!(f, "acknowledged       {}", self.acknowledged)?;
        writeln!(f, "  with no standby  {}", self.acknowledged_alone)?;
        writeln!(f, "missing            {}", self.missing)?;
        writeln!(f, "  beyond the bound {} rounds", self.beyond_bound)?;
        writeln!(f, "  bound unknown    {} rounds", self.unknown_bounds)?;
        writeln!(f, "doubled            {}", self.doubled)?;
        writeln!(f, "otherwise wrong    {}", self.otherwise_wrong)?;
        writeln!(f, "bound stated       {}", self.bounds)?;
        writeln!(f, "  actual loss      {}", self.losses)?;
        writeln!(f, "RTO, fenced        {}", self.rto)?;
        writeln!(f, "RTO, lease runs out {}", self.rto_with_wait)?;
        writeln!(f, "switchover pause   {}", self.pause)?;
        write!(
            f,
            "histories          {}: {verdict}; {} operations answered, {} unknown",
            self.histories, self.operations, self.unknown_operations
        )?;
        match &self.growth {
            Some(growth) => write!(f, "\n{growth}"),
            None => Ok(()),
        }
    }
}
