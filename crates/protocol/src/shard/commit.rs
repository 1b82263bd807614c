//! When a record counts as committed on the primary.

use crate::lease::StandbyId;
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::Lsn;

/// Whose flush an acknowledgement needs beside the primary's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nobody's: ack policy `local`.
    Local,
    /// Every one of these; while the set is empty nothing is committed.
    AllOf(BTreeSet<StandbyId>),
    /// The object store's, and that of everyone who is on the way into the
    /// in-sync set.
    Stored(BTreeSet<StandbyId>),
}

/// The watermarks behind one shard's acknowledgements in one epoch.
///
/// `committed` never goes back, and never passes the primary's own flush.
#[derive(Clone, Debug)]
pub struct CommitTracker {
    requirement: Requirement,
    flushed: Option<Lsn>,
    peers: BTreeMap<StandbyId, Option<Lsn>>,
    /// Up to here records need no standby: they are in the object store, or
    /// were complete before it was needed.
    stored: Option<Lsn>,
    committed: Option<Lsn>,
}

impl CommitTracker {
    /// Begins an epoch on a log flushed up to `flushed`, of which `committed`
    /// is known to be committed.
    ///
    /// The rest of that tail is committed by the promotion itself, unless a
    /// standby may be promoted "without loss" that perhaps does not have it:
    /// then readers must not see it before that standby has.
    pub fn new(requirement: Requirement, flushed: Option<Lsn>, committed: Option<Lsn>) -> Self {
        let waits = match &requirement {
            Requirement::Local => false,
            Requirement::AllOf(members) => !members.is_empty(),
            Requirement::Stored(_) => true,
        };
        let committed = if waits { committed } else { flushed };
        CommitTracker {
            requirement,
            flushed,
            peers: BTreeMap::new(),
            stored: None,
            committed,
        }
    }

    /// Who must have flushed what is acknowledged next.
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }

    pub fn committed(&self) -> Option<Lsn> {
        self.committed
    }

    /// The primary's own flush returned.
    pub fn flushed(&mut self, upto: Lsn) {
        assert!(Some(upto) >= self.flushed, "flushed never goes back");
        self.flushed = Some(upto);
        self.advance();
    }

    /// A standby reported what it has flushed of *this* epoch's stream.
    pub fn peer_flushed(&mut self, peer: &StandbyId, upto: Option<Lsn>) {
        match self.peers.get_mut(peer) {
            Some(known) => *known = (*known).max(upto),
            None => {
                self.peers.insert(peer.clone(), upto);
            }
        }
        self.advance();
    }

    /// The object store has everything up to here, or need not have it.
    pub fn stored(&mut self, upto: Option<Lsn>) {
        self.stored = self.stored.max(upto);
        self.advance();
    }

    pub fn require(&mut self, requirement: Requirement) {
        self.requirement = requirement;
        self.advance();
    }

    fn advance(&mut self) {
        let met = match &self.requirement {
            Requirement::Local => self.flushed,
            Requirement::AllOf(members) if members.is_empty() => None,
            Requirement::AllOf(members) => self.least_of(members).min(self.flushed),
            Requirement::Stored(joining) if joining.is_empty() => self.stored.min(self.flushed),
            Requirement::Stored(joining) => {
                let joined = self.least_of(joining);
                self.stored.min(joined).min(self.flushed)
            }
        };
        self.committed = self.committed.max(met);
    }

    fn least_of(&self, members: &BTreeSet<StandbyId>) -> Option<Lsn> {
        let flushed = |member| self.peers.get(member).copied().flatten();
        members.iter().map(flushed).min().flatten()
    }
}
