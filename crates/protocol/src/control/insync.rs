//! Keeping the in-sync set: stored truth about whose flush counts, and
//! whether the object store counts in its place.

use super::event::{Action, Facts, Moment, Notice, Setup};
use super::primary::{Primary, renewed};
use super::{Control, Role, Seen};
use crate::fallback::{Fallback, Watermarks};
use crate::lease::{AckPolicy, Heads, Lease, StandbyId};
use crate::shard::Requirement;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use understudy_types::{BootTime, lsn_value};

/// A standby on its way into the set.
#[derive(Clone, Debug)]
pub(super) struct Joining {
    standby: StandbyId,
    /// The primary's flushed heads at a moment when acknowledgements waited
    /// for this standby already: once it has these, it has all that was
    /// acknowledged before. Unknown until facts arrive that are younger than
    /// the requirement, or what is acknowledged meanwhile would fall between.
    mark: Option<Heads>,
}

/// The last member on its way out of the set. Nothing is acknowledged
/// meanwhile, or what it still acknowledged would be in neither home.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    standby: StandbyId,
    /// Unknown until facts arrive that are younger than the requirement.
    extent: Option<Extent>,
    sent: Sent,
}

/// What the store must have before a member may leave.
#[derive(Clone, Debug)]
struct Extent {
    /// What is known to be committed: the member has flushed it.
    base: Watermarks,
    /// The flushed ends. A former process, or a former primary, may have had
    /// more acknowledged than is known here, but never beyond these.
    mark: Heads,
}

/// Whether a removal may be under way, and land whatever happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    No,
    Yes,
}

impl Leaving {
    pub(super) fn note_facts(&mut self, facts: &Facts) {
        self.extent.get_or_insert_with(|| Extent {
            base: facts.committed.clone(),
            mark: facts.heads.clone(),
        });
    }

    /// The base, once everything up to the mark is in the slots or below it.
    fn stored_base(&self, facts: &Facts) -> Option<Watermarks> {
        let extent = self.extent.as_ref()?;
        let all = extent.mark.iter().all(|(shard, position)| {
            let stored = facts.stored.get(shard).copied().flatten();
            facts.free_slots.contains_key(shard) && stored >= position.map(|at| at.lsn)
        });
        all.then(|| extent.base.clone())
    }
}

/// Where acknowledged writes are, beside the primary's own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckHome {
    /// Nowhere else: ack policy `local`.
    Local,
    /// On every standby of the in-sync set.
    Standbys,
    /// In the object store's slots.
    Store,
    /// Nothing is acknowledged.
    Nowhere,
}

impl AckHome {
    /// In the order of this list wherever all are shown.
    pub const ALL: [AckHome; 4] = [
        AckHome::Local,
        AckHome::Standbys,
        AckHome::Store,
        AckHome::Nowhere,
    ];

    pub fn name(self) -> &'static str {
        match self {
            AckHome::Local => "local",
            AckHome::Standbys => "standbys",
            AckHome::Store => "store",
            AckHome::Nowhere => "nowhere",
        }
    }

    /// What a held lease says.
    pub fn of(lease: &Lease) -> AckHome {
        match lease.ack_policy {
            AckPolicy::Local => AckHome::Local,
            AckPolicy::Replicated if !lease.in_sync.is_empty() => AckHome::Standbys,
            AckPolicy::Replicated if lease.fallback.base.is_some() => AckHome::Store,
            AckPolicy::Replicated => AckHome::Nowhere,
        }
    }
}

impl Primary {
    /// Tells the data plane whose flush counts: what the stored lease says,
    /// and who is just entering the set.
    pub(super) fn require(&mut self, setup: &Setup, lease: &Lease, out: &mut Vec<Action>) {
        let joining = self.joining.iter().map(|joining| joining.standby.clone());
        let requirement = match (setup.ack_policy, AckHome::of(lease)) {
            (AckPolicy::Local, _) => Requirement::Local,
            _ if self.leaving.is_some() => Requirement::AllOf(BTreeSet::new()),
            (AckPolicy::Replicated, AckHome::Store) => Requirement::Stored(joining.collect()),
            (AckPolicy::Replicated, AckHome::Standbys) => {
                Requirement::AllOf(lease.in_sync.iter().cloned().chain(joining).collect())
            }
            // No stored lease vouches for anything yet.
            (AckPolicy::Replicated, AckHome::Nowhere | AckHome::Local) => {
                Requirement::AllOf(BTreeSet::new())
            }
        };
        if self.required.as_ref() != Some(&requirement) {
            self.required = Some(requirement.clone());
            out.push(Action::Require(requirement));
        }
        let home = AckHome::of(lease);
        if self.told_home.replace(home) != Some(home) && home == AckHome::Store {
            out.push(Action::Notify(Notice::RestsInStore));
        }
        self.fill(&lease.fallback, out);
    }

    /// What is to be stored in slots: as the stored lease says, or as it will
    /// say once the last member has left.
    fn wanted(&self, stored: &Fallback) -> Option<Fallback> {
        if stored.base.is_some() {
            return Some(stored.clone());
        }
        let extent = self.leaving.as_ref()?.extent.as_ref()?;
        Some(Fallback {
            base: Some(extent.base.clone()),
            ..stored.clone()
        })
    }

    /// Begins or ends to store in slots.
    fn fill(&mut self, stored: &Fallback, out: &mut Vec<Action>) {
        let wanted = self.wanted(stored);
        if self.filling == wanted {
            return;
        }
        let former = std::mem::replace(&mut self.filling, wanted.clone());
        match wanted {
            Some(fallback) => out.push(Action::Fill {
                epoch: self.epoch,
                fallback,
                free: std::mem::take(&mut self.drained_to),
            }),
            None => out.push(Action::StopFilling),
        }
        let Some(former) = former else { return };
        let passed = stored.first.iter().map(|(shard, free)| {
            let first = former.first_of(shard);
            (shard.clone(), first..*free)
        });
        let passed: BTreeMap<_, _> = passed.filter(|(_, range)| !range.is_empty()).collect();
        if !passed.is_empty() {
            out.push(Action::RemoveSlots(passed));
        }
    }

    pub(super) fn note_in_sync_change(
        &mut self,
        setup: &Setup,
        lease: &Lease,
        out: &mut Vec<Action>,
    ) {
        if self
            .joining
            .as_ref()
            .is_some_and(|j| lease.in_sync.contains(&j.standby))
        {
            let joined = self.joining.take().expect("just seen");
            out.push(Action::Notify(Notice::InSync(joined.standby.node)));
        }
        let left = |leaving: &Leaving| !lease.in_sync.contains(&leaving.standby);
        self.leaving.take_if(|leaving| left(leaving));
        self.require(setup, lease, out);
    }

    fn is_heard(&self, standby: &StandbyId, now: BootTime, within: Duration) -> bool {
        self.peers
            .get(standby)
            .is_some_and(|peer| now.since(peer.heard) <= within)
    }

    /// A member that must leave: replaced by another disk under its name, or
    /// silent. When it was the last one, the object store takes its place.
    fn leaver(&self, setup: &Setup, lease: &Lease, now: BootTime) -> Option<StandbyId> {
        let within = setup.timing.standby_timeout;
        let is_new = now.since(self.since) <= within;
        let heard = |standby: &&StandbyId| is_new || self.is_heard(standby, now, within);
        let replaced = lease.in_sync.iter().find(|member| {
            let same_name = |peer: &&StandbyId| peer.node == member.node;
            self.peers
                .keys()
                .filter(same_name)
                .any(|peer| peer.data_id != member.data_id)
        });
        let silent = || lease.in_sync.iter().find(|member| !heard(member));
        replaced.or_else(silent).cloned()
    }

    /// The lease without this member, once it may be written.
    fn removal(
        &mut self,
        setup: &Setup,
        lease: &Lease,
        facts: &Facts,
        leaver: Option<StandbyId>,
        out: &mut Vec<Action>,
    ) -> Option<Lease> {
        let standby = leaver?;
        let mut draft = renewed(lease);
        draft.in_sync.remove(&standby);
        if draft.in_sync.is_empty() {
            let Some(leaving) = &mut self.leaving else {
                self.leaving = Some(Leaving {
                    standby,
                    extent: None,
                    sent: Sent::No,
                });
                self.require(setup, lease, out);
                return None;
            };
            let base = leaving.stored_base(facts);
            if base.is_some() {
                leaving.sent = Sent::Yes;
            } else {
                self.fill(&lease.fallback, out);
            }
            draft.fallback.base = Some(base?);
        }
        out.push(Action::Notify(Notice::OutOfSync(standby.node)));
        Some(draft)
    }

    fn candidate(&self, setup: &Setup, lease: &Lease, now: BootTime) -> Option<StandbyId> {
        let within = setup.timing.standby_timeout;
        let names: BTreeSet<_> = lease.in_sync.iter().map(|member| &member.node).collect();
        self.peers
            .keys()
            .find(|peer| !names.contains(&peer.node) && self.is_heard(peer, now, within))
            .cloned()
    }

    fn has_reached_mark(&self, joining: &Joining) -> bool {
        let (Some(peer), Some(mark)) = (self.peers.get(&joining.standby), &joining.mark) else {
            return false;
        };
        mark.iter().all(|(shard, position)| {
            let there = peer.heads.get(shard).copied().flatten();
            lsn_value(there.map(|p| p.lsn)) >= lsn_value(position.map(|p| p.lsn))
        })
    }
}

impl Joining {
    /// Facts that are younger than the requirement.
    pub(super) fn note_heads(&mut self, heads: &Heads) {
        self.mark.get_or_insert_with(|| heads.clone());
    }
}

impl Control {
    /// Issues the next change of the set, one at a time.
    pub(super) fn keep_in_sync_set(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        if self.setup.ack_policy == AckPolicy::Local || primary.pause.is_some() {
            return;
        }
        let lease = &seen.lease;
        let leaver = primary.leaver(&self.setup, lease, moment.now);
        let stays = |leaving: &mut Leaving| {
            let open = leaving.sent == Sent::Yes && self.desk.is_writing();
            leaver.as_ref() != Some(&leaving.standby) && !open
        };
        if primary.leaving.take_if(stays).is_some() {
            primary.require(&self.setup, lease, out);
        }
        if !self.desk.is_idle() {
            return;
        }
        if let Some(draft) = primary.removal(&self.setup, lease, &self.facts, leaver, out) {
            return self.desk.write(moment, seen.etag.clone(), draft, out);
        }
        if primary.leaving.is_some() {
            return;
        }
        if AckHome::of(lease) == AckHome::Nowhere && primary.is_open() {
            let mut draft = renewed(lease);
            draft.fallback.base = Some(self.facts.committed.clone());
            return self.desk.write(moment, seen.etag.clone(), draft, out);
        }
        let within = self.setup.timing.standby_timeout;
        match primary.joining.clone() {
            Some(joining) if !primary.is_heard(&joining.standby, moment.now, within) => {
                primary.joining = None;
                primary.require(&self.setup, lease, out);
            }
            Some(joining) if primary.has_reached_mark(&joining) => {
                let mut draft = renewed(lease);
                draft.in_sync.insert(joining.standby);
                draft.fallback.leave(&self.facts.free_slots);
                self.desk.write(moment, seen.etag.clone(), draft, out);
            }
            Some(_) => {}
            None => {
                if let Some(standby) = primary.candidate(&self.setup, lease, moment.now) {
                    primary.joining = Some(Joining {
                        standby,
                        mark: None,
                    });
                    primary.require(&self.setup, lease, out);
                }
            }
        }
    }
}
