//! What a run has seen, for the summary.

use std::collections::BTreeMap;
use std::ops::AddAssign;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub steps: u64,
    pub promotions: u64,
    pub lossy_promotions: u64,
    pub switchovers: u64,
    /// Epochs that a node took without being asked.
    pub unasked: u64,
    /// How often acknowledgements came to rest in the store.
    pub fallbacks: u64,
    /// Promotions that drained the store's slots.
    pub drains: u64,
    /// Words that standbys gave while the store was silent.
    pub vouched: u64,
    pub crashes: u64,
    pub truncations: u64,
    /// Standbys that found that their state is not the primary's.
    pub divergences: u64,
    pub acknowledged: u64,
    pub not_accepted: u64,
    pub unknown: u64,
    pub reads: u64,
    pub faults: BTreeMap<&'static str, u64>,
}

impl Stats {
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }
}

impl AddAssign<&Stats> for Stats {
    fn add_assign(&mut self, other: &Stats) {
        // All fields are named, so that a new one forces a decision.
        let Stats {
            steps,
            promotions,
            lossy_promotions,
            switchovers,
            unasked,
            fallbacks,
            drains,
            vouched,
            crashes,
            truncations,
            divergences,
            acknowledged,
            not_accepted,
            unknown,
            reads,
            faults,
        } = other;
        self.steps += steps;
        self.promotions += promotions;
        self.lossy_promotions += lossy_promotions;
        self.switchovers += switchovers;
        self.unasked += unasked;
        self.fallbacks += fallbacks;
        self.drains += drains;
        self.vouched += vouched;
        self.crashes += crashes;
        self.truncations += truncations;
        self.divergences += divergences;
        self.acknowledged += acknowledged;
        self.not_accepted += not_accepted;
        self.unknown += unknown;
        self.reads += reads;
        for (kind, count) in faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}
