//! Whether a standby's state is the primary's: digests of both at one Lsn.
//!
//! Batches end at the same Lsns on both sides. So the digest that a primary
//! claims for the end of a batch is compared with the one that the standby
//! had there, which may be past already, or yet to come. What cannot be
//! compared counts as that, never as equal.

use std::collections::VecDeque;
use understudy_types::{BootTime, Epoch, Lsn, StateAt, StateDigest};

/// Batch ends whose digests are kept, the newest ones: 1.3 MB at most. A
/// standby compares with them, and a state is rolled back to one of them.
pub const DIGESTS_KEPT: usize = 32_768;

/// Two states that should be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub lsn: Lsn,
    pub here: StateDigest,
    pub there: StateDigest,
    /// When the primary's claim was heard.
    pub heard: BootTime,
}

/// What was found since the state was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The last Lsn at which both were equal, and when that claim was heard.
    pub equal: Option<(Lsn, BootTime)>,
    /// The first difference. It stays until the state is made anew.
    pub diverged: Option<Divergence>,
    /// Differences since this process started.
    pub mismatches: u64,
    /// Claims about an Lsn whose digest is not kept here any more, or never
    /// was, since this process started.
    pub not_comparable: u64,
}

/// One shard's own digests, and what the followed primary says of its own.
#[derive(Clone, Debug)]
pub struct StateComparison {
    kept_max: usize,
    /// Ascending; after what is applied now, at the back.
    own: VecDeque<StateAt>,
    followed: Option<Epoch>,
    /// A claim that this state has yet to reach. Newer ones are let go until
    /// it is compared: a standby that is far behind compares nonetheless.
    claim: Option<(StateAt, BootTime)>,
    findings: Findings,
}

impl StateComparison {
    /// `state` is what a recovered log made; `None` when it is empty.
    pub fn new(kept_max: usize, state: Option<StateAt>) -> Self {
        assert!(kept_max > 0, "the newest digest is always kept");
        StateComparison {
            kept_max,
            own: state.into_iter().collect(),
            followed: None,
            claim: None,
            findings: Findings::default(),
        }
    }

    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    pub fn is_diverged(&self) -> bool {
        self.findings.diverged.is_some()
    }

    /// What a primary claims: its state as of now.
    pub fn newest(&self) -> Option<StateAt> {
        self.own.back().copied()
    }

    /// A stream of this epoch begins: only its claims count from now on.
    pub fn follow(&mut self, epoch: Epoch) {
        self.followed = Some(epoch);
        self.claim = None;
    }

    /// A batch was applied. Returns the first difference when this shows it.
    pub fn applied(&mut self, state: StateAt) -> Option<Divergence> {
        assert!(
            self.newest().is_none_or(|newest| newest.lsn < state.lsn),
            "batches are applied in order"
        );
        if self.own.len() == self.kept_max {
            self.own.pop_front();
        }
        self.own.push_back(state);
        let due = |(claim, _): &mut (StateAt, BootTime)| claim.lsn <= state.lsn;
        let (claim, heard) = self.claim.take_if(due)?;
        self.compare(claim, heard)
    }

    /// The primary of `epoch` says what its state is. Returns the first
    /// difference when this shows it.
    pub fn claimed(&mut self, epoch: Epoch, claim: StateAt, now: BootTime) -> Option<Divergence> {
        if self.followed != Some(epoch) {
            return None;
        }
        if self.newest().is_none_or(|newest| newest.lsn < claim.lsn) {
            self.claim.get_or_insert((claim, now));
            return None;
        }
        self.compare(claim, now)
    }

    fn compare(&mut self, claim: StateAt, heard: BootTime) -> Option<Divergence> {
        let found = self
            .own
            .binary_search_by_key(&claim.lsn, |state| state.lsn)
            .ok();
        let Some(here) = found.map(|at| self.own[at].digest) else {
            self.findings.not_comparable += 1;
            return None;
        };
        if here == claim.digest {
            self.findings.equal = Some((claim.lsn, heard));
            return None;
        }
        self.findings.mismatches += 1;
        if self.is_diverged() {
            return None;
        }
        self.findings.diverged = Some(Divergence {
            lsn: claim.lsn,
            here,
            there: claim.digest,
            heard,
        });
        self.findings.diverged
    }

    /// The log was cut after `kept`. What was found before stays found: the
    /// state is the same one until it is made anew.
    pub fn cut(&mut self, kept: Option<Lsn>) {
        while self.newest().is_some_and(|newest| Some(newest.lsn) > kept) {
            self.own.pop_back();
        }
        self.claim = None;
    }

    /// The state was made anew: nothing is known of it.
    pub fn made_anew(&mut self, state: Option<StateAt>) {
        self.own = state.into_iter().collect();
        self.claim = None;
        self.findings = Findings {
            equal: None,
            diverged: None,
            ..self.findings
        };
    }
}
