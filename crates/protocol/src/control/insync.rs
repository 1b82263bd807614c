//! Keeping the in-sync set: stored truth about whose flush counts.

use super::event::{Action, Moment, Notice, Setup};
use super::primary::{Primary, renewed};
use super::{Control, Role, Seen};
use crate::lease::{AckPolicy, Heads, Lease, StandbyId};
use crate::shard::Requirement;
use std::collections::BTreeSet;
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

impl Primary {
    /// Tells the data plane whose flush counts: everyone in the stored set,
    /// and who is just entering it. While the set is empty nobody's counts,
    /// so that nothing is acknowledged that no stored set vouches for.
    pub(super) fn require(&mut self, setup: &Setup, lease: &Lease, out: &mut Vec<Action>) {
        let requirement = match setup.ack_policy {
            AckPolicy::Local => Requirement::Local,
            AckPolicy::Replicated => {
                let mut members = lease.in_sync.clone();
                if let Some(joining) = &self.joining
                    && !members.is_empty()
                {
                    members.insert(joining.standby.clone());
                }
                Requirement::AllOf(members)
            }
        };
        if self.required.as_ref() != Some(&requirement) {
            self.required = Some(requirement.clone());
            out.push(Action::Require(requirement));
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
        self.require(setup, lease, out);
    }

    fn is_heard(&self, standby: &StandbyId, now: BootTime, within: Duration) -> bool {
        self.peers
            .get(standby)
            .is_some_and(|peer| now.since(peer.heard) <= within)
    }

    /// A member that must leave: replaced by another disk under its name, or
    /// silent while another member keeps the promise.
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
        let silent = || {
            lease
                .in_sync
                .iter()
                .any(|member| heard(&member))
                .then(|| lease.in_sync.iter().find(|member| !heard(member)))
        };
        replaced.or_else(|| silent().flatten()).cloned()
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
        if self.setup.ack_policy == AckPolicy::Local
            || !self.desk.is_idle()
            || primary.pause.is_some()
        {
            return;
        }
        let lease = &seen.lease;
        if let Some(leaver) = primary.leaver(&self.setup, lease, moment.now) {
            let mut draft = renewed(lease);
            draft.in_sync.remove(&leaver);
            out.push(Action::Notify(Notice::OutOfSync(leaver.node)));
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
