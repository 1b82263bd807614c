//! Going on while the store is away: every node that could take the lease
//! vouches, for the time of one lease, that it will not.
//!
//! The lease names those nodes, and no other takes it meanwhile. The primary
//! asks them in rounds once the store is silent. What all of them answered
//! carries it as far as a renewal would have that was sent when the round
//! began; a missing answer ends it at its deadline. A node that vouched takes
//! no epoch for as long as an observer would wait. It may have forgotten that
//! by a restart, so it waits as long after a start.

use super::event::{Action, Moment, Notice, Setup, Step};
use super::primary::Primary;
use super::{Control, Role, Seen};
use crate::activation::ActivationRequest;
use crate::lease::{Lease, LeaseState, StandbyId};
use crate::timing::Timing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use understudy_types::{BootTime, Epoch};

/// Whether a primary may go on by its standbys' word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failsafe {
    #[default]
    Off,
    On,
}

/// Rounds whose answers may still count.
const ROUNDS_KEPT: usize = 32;

/// A primary's rounds.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// The last round, 0 before the first; and when each began.
    round: u64,
    begun: VecDeque<(u64, BootTime)>,
    next: BootTime,
    under_way: bool,
    /// The newest round that each standby answered.
    vouched: BTreeMap<StandbyId, u64>,
    /// Whom writes of the lease named whose outcome is not known.
    drafted: BTreeSet<StandbyId>,
    /// Such a write may have named nobody: then anybody may take the lease.
    drafted_nobody: bool,
    told: bool,
}

impl Asking {
    pub(super) fn note_vouched(&mut self, peer: StandbyId, round: u64) {
        let newest = self.vouched.entry(peer).or_default();
        *newest = (*newest).max(round);
    }

    pub(super) fn note_written(&mut self) {
        self.drafted.clear();
        self.drafted_nobody = false;
    }

    pub(super) fn note_drafted(&mut self, lease: &Lease) {
        let named = lease.failsafe.as_ref().filter(|named| !named.is_empty());
        self.drafted_nobody |= named.is_none();
        self.drafted.extend(named.into_iter().flatten().cloned());
    }

    /// The beginning of the newest round that all of these have answered.
    fn answered_by_all<'a>(&self, needed: impl Iterator<Item = &'a StandbyId>) -> Option<BootTime> {
        let answers = needed.map(|peer| self.vouched.get(peer).copied());
        let round = answers.min()??;
        let begun = self.begun.iter().rev();
        let at = begun
            .filter(|(number, _)| *number <= round)
            .map(|(_, at)| *at);
        at.max()
    }
}

/// A standby's word, and what a start owes to one that was forgotten.
#[derive(Debug, Default)]
pub(super) struct Vow {
    until: Option<BootTime>,
}

/// Who may take the lease while its holder may go on by their word: everyone
/// who streams, or is counted on. Nobody is named when it is off.
pub(super) fn electors(
    setup: &Setup,
    primary: &Primary,
    lease: &Lease,
) -> Option<BTreeSet<StandbyId>> {
    let named = primary.peers.keys().chain(&lease.in_sync).cloned();
    (setup.failsafe == Failsafe::On).then(|| named.collect())
}

impl Control {
    /// A primary asks for this node's word.
    pub(super) fn note_vouch_asked(
        &mut self,
        moment: &Moment,
        epoch: Epoch,
        round: u64,
        out: &mut Vec<Action>,
    ) {
        let Some(seen) = &self.seen else { return };
        let lease = &seen.lease;
        let follows = matches!(self.role, Role::Standby(_))
            && lease.state == LeaseState::Held
            && lease.epoch == epoch
            && self.promised <= epoch
            && !self.hooks.is_running();
        if follows {
            let until = moment.now + Timing::observer_wait(lease.ttl());
            self.vow.until = self.vow.until.max(Some(until));
            out.push(Action::Vouch { epoch, round });
        }
    }

    /// The first look at the lease after a start.
    pub(super) fn owe_former_vow(&mut self, moment: &Moment, lease: &Lease) {
        let named = lease.failsafe.iter().flatten();
        if named.count() > 0 && !lease.is_of_data_root(&self.setup.me) {
            self.vow.until = Some(moment.now + Timing::observer_wait(lease.ttl()));
        }
    }

    /// Why this node may not take the lease from a holder that may go on by
    /// the electors' word.
    pub(super) fn elector_refusal(
        &self,
        lease: &Lease,
        request: &ActivationRequest,
        now: BootTime,
    ) -> Option<Step> {
        if lease.state == LeaseState::Released || request.fenced_by.is_some() {
            return None;
        }
        let named = lease.failsafe.as_ref().filter(|named| !named.is_empty());
        if named.is_some_and(|named| !named.contains(&self.setup.me.standby_id())) {
            return Some(Step::refused(
                "E316",
                "failsafe is on, and this node is not among those without whose word the primary falls silent",
                "name one that is (`failsafe` in lease.json), or give evidence that the primary is off with --fenced-by",
            ));
        }
        let until = self.vow.until.filter(|until| *until > now)?;
        let left = until.since(now).as_secs_f64();
        Some(Step::refused(
            "E317",
            format!(
                "this node gave the primary its word (failsafe), or may have before it started, for {left:.1} s more"
            ),
            "ask again after that, or give evidence that the primary is off with --fenced-by",
        ))
    }

    /// Asks while the store is silent, and goes on as far as the answers carry.
    pub(super) fn drive_failsafe(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let timing = &self.setup.timing;
        let answered = self.store_answered.unwrap_or_default();
        let silent = moment.now.since(answered) > timing.renew_every + timing.attempt_timeout;
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        // Only while the stored lease names somebody is everybody else bound.
        let named = seen.lease.failsafe.iter().flatten();
        let may = self.setup.failsafe == Failsafe::On
            && named.clone().next().is_some()
            && !primary.asking.drafted_nobody
            && primary.judges_requests();
        let asking = &mut primary.asking;
        if !(may && silent) {
            if std::mem::take(&mut asking.under_way) {
                asking.told = false;
                out.push(Action::AskToVouch(0));
            }
            return;
        }
        asking.under_way = true;
        if moment.now >= asking.next {
            asking.round += 1;
            asking.next = moment.now + timing.renew_every / 2;
            asking.begun.push_back((asking.round, moment.now));
            if asking.begun.len() > ROUNDS_KEPT {
                asking.begun.pop_front();
            }
            out.push(Action::AskToVouch(asking.round));
        }
        let needed = named.chain(&seen.lease.in_sync).chain(&asking.drafted);
        let Some(begun) = asking.answered_by_all(needed) else {
            return;
        };
        let deadline = begun + timing.holder_silence();
        if deadline > primary.deadline {
            if !std::mem::replace(&mut primary.asking.told, true) {
                out.push(Action::Notify(Notice::GoesOnByWord));
            }
            primary.extend(deadline, out);
        }
    }
}

impl Primary {
    /// When the next round is due.
    pub(super) fn next_round(&self) -> Option<BootTime> {
        self.asking.under_way.then_some(self.asking.next)
    }

    /// Whether only the electors' word keeps this primary from falling silent.
    pub(super) fn goes_on_by_word(&self) -> bool {
        self.asking.told && self.asking.under_way
    }
}
