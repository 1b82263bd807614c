//! How far a standby is behind, and how well that is known.
//!
//! Every number comes from heartbeats that travel behind the data, and from
//! differences of this node's own clock: a heartbeat brings back this node's
//! own tick, so it is known when it was certainly made. What was not heard
//! within two intervals is not known; the numbers are lower bounds then, and
//! the seconds grow.

mod completeness;
mod condition;
mod convergence;

pub use condition::{Condition, Evidence, StreamEnd, judge};
pub use convergence::Convergence;

use crate::control::Known;
use completeness::Completeness;
use std::time::Duration;
use understudy_types::{BootTime, Epoch, Lsn, lsn_value};

/// What a record passes on a standby, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Received,
    Flushed,
    Applied,
}

impl Stage {
    pub const ALL: [Stage; 3] = [Stage::Received, Stage::Flushed, Stage::Applied];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Received => "received",
            Stage::Flushed => "flushed",
            Stage::Applied => "applied",
        }
    }
}

/// A heartbeat as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The primary's.
    pub flushed: Option<Lsn>,
    /// Canonical bytes up to there.
    pub bytes: u64,
    /// On this node's clock: the heartbeat was certainly made after this.
    pub made_after: Option<BootTime>,
}

/// How far a log is at one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub lsn: Option<Lsn>,
    /// Canonical bytes up to there.
    pub bytes: u64,
}

/// What is here, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Here {
    pub received: Mark,
    pub flushed: Mark,
    pub applied: Mark,
}

impl Here {
    pub fn at(&self, stage: Stage) -> Mark {
        match stage {
            Stage::Received => self.received,
            Stage::Flushed => self.flushed,
            Stage::Applied => self.applied,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageLag {
    pub records: u64,
    /// `None` until a heartbeat said how many bytes there are.
    pub bytes: Option<u64>,
    /// How old the oldest record that is missing may be; grown by silence.
    pub age: Duration,
}

/// While it is not `known`, every number is a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub known: bool,
    stages: [StageLag; 3],
}

impl Lag {
    pub fn at(&self, stage: Stage) -> StageLag {
        self.stages[stage as usize]
    }
}

/// What one shard's stream has said about its primary.
#[derive(Clone, Debug, Default)]
pub struct LagTracker {
    last: Option<Beat>,
    /// What the primary certainly had: by its welcome, and by its batches.
    end_at_least: Option<Lsn>,
    /// When that was learnt by the first welcome.
    welcomed_at: Option<BootTime>,
    stages: [Completeness; 3],
    convergence: Convergence,
}

impl LagTracker {
    /// The primary answered a hello that was sent at `asked`: at that moment
    /// it cannot have had more than `head`.
    pub fn welcomed(&mut self, head: Option<Lsn>, asked: BootTime) {
        self.end_at_least = self.end_at_least.max(head);
        self.welcomed_at.get_or_insert(asked);
        self.note(head, asked);
    }

    pub fn received(&mut self, upto: Lsn) {
        self.end_at_least = self.end_at_least.max(Some(upto));
    }

    pub fn heard(&mut self, beat: Beat) {
        self.end_at_least = self.end_at_least.max(beat.flushed);
        let made_after = beat
            .made_after
            .max(self.last.and_then(|last| last.made_after));
        self.last = Some(Beat { made_after, ..beat });
        if let Some(made_after) = beat.made_after {
            self.note(beat.flushed, made_after);
        }
    }

    fn note(&mut self, upto: Option<Lsn>, made_after: BootTime) {
        for stage in &mut self.stages {
            stage.note(upto, made_after);
        }
    }

    /// Shows how far the state is, from time to time.
    pub fn sample(&mut self, applied: Option<Lsn>, now: BootTime) {
        let there = lsn_value(self.end_at_least);
        self.convergence.sample(there, lsn_value(applied), now);
    }

    /// What bounds the loss, given what is flushed here, by a stream of `epoch`.
    pub fn known(&mut self, epoch: Epoch, flushed: Option<Lsn>) -> Option<Known> {
        let complete_as_of = self.stages[Stage::Flushed as usize].reached(flushed)?;
        Some(Known {
            epoch,
            flushed: self.end_at_least,
            complete_as_of,
        })
    }

    /// `None` until the primary said anything.
    pub fn lag(&mut self, here: &Here, now: BootTime, heartbeat_every: Duration) -> Option<Lag> {
        let began = self.began()?;
        let limit = heartbeat_every * 2;
        let made_after = self.last.and_then(|last| last.made_after);
        let silence = now.since(made_after.unwrap_or(began));
        let excess = silence.saturating_sub(limit);
        let mut known = made_after.is_some() && silence <= limit;
        let stages = Stage::ALL.map(|stage| {
            let mark = here.at(stage);
            let there = lsn_value(self.end_at_least);
            let records = there.saturating_sub(lsn_value(mark.lsn));
            let complete = self.stages[stage as usize].reached(mark.lsn);
            known &= records == 0 || complete.is_some();
            let bytes = self.last.map(|last| {
                let there = last.bytes.max(here.received.bytes);
                there.saturating_sub(mark.bytes)
            });
            let age = match records {
                0 => excess,
                // At least so old, when nothing was ever complete here.
                _ => now.since(complete.unwrap_or(began)).max(excess),
            };
            StageLag {
                records,
                bytes,
                age,
            }
        });
        Some(Lag { known, stages })
    }

    /// Since when anything is known.
    fn began(&self) -> Option<BootTime> {
        let heard = || self.last.and_then(|last| last.made_after);
        self.welcomed_at.or_else(heard)
    }

    /// When a sample last showed that something more was applied.
    pub fn worked_at(&self) -> Option<BootTime> {
        self.convergence.worked_at()
    }

    /// Until everything that is known of is applied; infinite while that does
    /// not come nearer.
    pub fn catchup_seconds(&self, applied: Option<Lsn>) -> Option<f64> {
        self.began()?;
        let backlog = lsn_value(self.end_at_least).saturating_sub(lsn_value(applied));
        Some(self.convergence.seconds(backlog))
    }
}
