//! Holding the lease: renewing it, keeping the in-sync set, and giving way.

use super::activate::judge_as_primary;
use super::desk::{Desk, Won};
use super::event::{Action, Event, Moment, Notice, Setup, Step};
use super::failsafe::{Asking, electors};
use super::hooks::HookCall;
use super::insync::{AckHome, Joining, Leaving};
use super::pause::{Pause, Purpose, Stage};
use super::promotion::Promotion;
use super::registered::Followers;
use super::standby::Standby;
use super::{Control, Role, Seen};
use crate::activation::RequestId;
use crate::fallback::{Fallback, SlotNumber};
use crate::lease::{Heads, Lease, LeaseState, StandbyId};
use crate::shard::Requirement;
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::{BootTime, Epoch, NodeId, ShardName};

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) heads: Heads,
    pub(super) heard: BootTime,
}

#[derive(Debug)]
pub(super) struct Primary {
    pub(super) epoch: Epoch,
    /// When the epoch was taken: standbys need a moment to come.
    pub(super) since: BootTime,
    /// From this moment on no answer leaves.
    pub(super) deadline: BootTime,
    next_renewal: BootTime,
    /// The epoch's first batch is flushed and the state is complete.
    opened: bool,
    told_serving: bool,
    /// The activation that made this node primary, until it serves.
    request: Option<RequestId>,
    /// To run when it serves.
    hook: Option<Box<HookCall>>,
    lapsed: bool,
    pub(super) peers: BTreeMap<StandbyId, Peer>,
    pub(super) followers: Followers,
    pub(super) joining: Option<Joining>,
    pub(super) leaving: Option<Leaving>,
    pub(super) required: Option<Requirement>,
    /// Where acknowledged writes rested when that was last said.
    pub(super) told_home: Option<AckHome>,
    /// What the data plane was told to store in slots.
    pub(super) filling: Option<Fallback>,
    /// Where the promotion's drain ended, until slots are filled from there.
    pub(super) drained_to: BTreeMap<ShardName, SlotNumber>,
    pub(super) asking: Asking,
    pub(super) pause: Option<Pause>,
    step_up: Option<Epoch>,
}

/// What a promotion leaves to be done when its epoch is open.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) request: Option<RequestId>,
    pub(super) hook: Option<Box<HookCall>>,
    pub(super) lossy: bool,
    /// Each shard's first free slot, where the slots were drained.
    pub(super) drained_to: BTreeMap<ShardName, SlotNumber>,
}

impl Primary {
    /// Begins to serve the epoch that the lease now names this node for.
    pub(super) fn open(
        setup: &Setup,
        won: &Won,
        opening: Opening,
        out: &mut Vec<Action>,
    ) -> Primary {
        let Opening {
            request,
            hook,
            lossy,
            drained_to,
        } = opening;
        let mut primary = Primary {
            epoch: won.lease.epoch,
            since: won.sent_at,
            deadline: won.sent_at + setup.timing.holder_silence(),
            next_renewal: won.sent_at + setup.timing.renew_every,
            opened: false,
            told_serving: false,
            request,
            hook,
            lapsed: false,
            peers: BTreeMap::new(),
            followers: Followers::default(),
            joining: None,
            leaving: None,
            required: None,
            told_home: None,
            filling: None,
            drained_to,
            asking: Asking::default(),
            pause: None,
            step_up: None,
        };
        primary.require(setup, &won.lease, out);
        out.push(Action::Open {
            epoch: primary.epoch,
            lossy,
        });
        primary
    }

    pub(super) fn note(&mut self, moment: &Moment, event: Event, desk: &mut Desk) {
        match event {
            Event::Opened(epoch) if epoch == self.epoch => self.opened = true,
            Event::Sealed(heads) => {
                if let Some(pause) = &mut self.pause {
                    pause.sealed = Some(heads);
                }
            }
            Event::Answered => {
                if let Some(pause) = &mut self.pause {
                    pause.answered = true;
                }
            }
            Event::PeerFlushed { peer, heads } => {
                if !self.peers.contains_key(&peer) {
                    self.followers.note(&peer);
                }
                self.peers.insert(
                    peer,
                    Peer {
                        heads,
                        heard: moment.now,
                    },
                );
            }
            Event::PeerGone(peer) => {
                self.peers.remove(&peer);
            }
            Event::PeerVouched { peer, round } => self.asking.note_vouched(peer, round),
            Event::PeerPromised(epoch) if epoch > self.epoch => {
                // Perhaps that standby has taken the lease: look first.
                desk.read_now(moment.now);
                self.step_up = self.step_up.max(Some(epoch));
            }
            _ => {}
        }
    }

    /// A write of ours landed: it renewed the lease, whatever else it said.
    pub(super) fn won(&mut self, setup: &Setup, won: Box<Won>, out: &mut Vec<Action>) {
        self.next_renewal = won.sent_at + setup.timing.renew_every;
        self.asking.note_written();
        self.note_in_sync_change(setup, &won.lease, out);
        self.note_pause_written(&won.lease, won.sent_at, out);
        self.extend(won.sent_at + setup.timing.holder_silence(), out);
    }

    /// Answers may leave until then.
    pub(super) fn extend(&mut self, deadline: BootTime, out: &mut Vec<Action>) {
        self.deadline = self.deadline.max(deadline);
        if std::mem::take(&mut self.lapsed) {
            out.push(Action::Notify(Notice::Recovered));
        }
        self.grant(out);
    }

    /// Lets answers leave until the deadline, when they may.
    fn grant(&self, out: &mut Vec<Action>) {
        if self.opened && self.pause.as_ref().is_none_or(|pause| !pause.revoked) {
            out.push(Action::Grant {
                epoch: self.epoch,
                deadline: self.deadline,
            });
        }
    }

    /// While a request about the lease is under way its answer comes first:
    /// nothing that needs the desk is due before.
    pub(super) fn next_due(&self, desk: &Desk) -> Option<BootTime> {
        let lapse = (!self.lapsed).then_some(self.deadline);
        let renewal = desk.is_idle().then_some(self.next_renewal);
        let pause = self.pause.as_ref().and_then(|pause| pause.due(desk));
        let round = self.next_round();
        let times = lapse.into_iter().chain(renewal).chain(pause);
        times.chain(round).min()
    }

    /// Whether the lease names a successor that has not taken it yet.
    pub(super) fn awaits_successor(&self) -> bool {
        let stage = self.pause.as_ref().map(|pause| &pause.stage);
        matches!(stage, Some(Stage::Announced { .. }))
    }

    /// Only one pause at a time, and none before the epoch is open.
    pub(super) fn judges_requests(&self) -> bool {
        self.pause.is_none() && self.opened
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened
    }

    /// One for each name.
    pub(super) fn registered(&self, lease: &Lease) -> BTreeSet<StandbyId> {
        let mut rows = self.followers.with_those_of(lease);
        for member in &lease.in_sync {
            rows.entry(member.node.clone()).or_insert(member.data_id);
        }
        let row = |(node, data_id)| StandbyId { node, data_id };
        rows.into_iter().map(row).collect()
    }

    pub(super) fn streams(&self, node: &NodeId) -> bool {
        self.peers.keys().any(|peer| peer.node == *node)
    }
}

/// The lease as this holder writes it next, but for what changes.
pub(super) fn renewed(lease: &Lease) -> Lease {
    Lease {
        renewals: lease.renewals + 1,
        ..lease.clone()
    }
}

impl Control {
    pub(super) fn drive_primary(&mut self, moment: &Moment, out: &mut Vec<Action>) -> Option<Role> {
        let seen = self.seen.clone().expect("a primary has written the lease");
        if !seen.lease.is_held_by(&self.setup.me) {
            return Some(self.give_way(&seen, out));
        }
        self.note_lapse(moment, out);
        self.note_opened(&seen, out);
        if seen.lease.state == LeaseState::Released {
            out.push(Action::Close);
            out.push(Action::Exit);
            return Some(Role::Ended);
        }
        if let Some(role) = self.begin_pause(moment, &seen, out) {
            return Some(role);
        }
        self.drive_pause(moment, &seen, out);
        self.keep_in_sync_set(moment, &seen, out);
        self.drive_errand(moment, &seen, out);
        self.drive_failsafe(moment, &seen, out);
        self.renew(moment, &seen, out);
        None
    }

    fn give_way(&mut self, seen: &Seen, out: &mut Vec<Action>) -> Role {
        let Role::Primary(primary) = &self.role else {
            unreachable!("only a primary gives way")
        };
        let lease = &seen.lease;
        out.push(Action::Revoke);
        out.push(Action::Close);
        let holder = lease.holder.as_ref().map(|holder| holder.node.clone());
        match holder {
            Some(holder) if lease.epoch > primary.epoch => {
                if let Some(id) = primary.pause.as_ref().and_then(Pause::handed_over) {
                    let step = Step::Follows {
                        to: holder.clone(),
                        epoch: lease.epoch,
                    };
                    out.push(Action::Notify(Notice::Activation { id, step }));
                }
                out.push(Action::Notify(Notice::Superseded {
                    by: lease.epoch,
                    holder,
                }));
            }
            _ => out.push(Action::Notify(Notice::Cloned)),
        }
        Role::Standby(Standby::default())
    }

    fn note_lapse(&mut self, moment: &Moment, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        if moment.now >= primary.deadline && !std::mem::replace(&mut primary.lapsed, true) {
            out.push(Action::Notify(Notice::Lapsed));
        }
    }

    fn note_opened(&mut self, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        if !primary.opened || primary.told_serving {
            return;
        }
        primary.told_serving = true;
        primary.grant(out);
        out.push(Action::Notify(Notice::Serving {
            epoch: primary.epoch,
        }));
        if let Some(epoch) = seen.lease.unacknowledged {
            out.push(Action::Notify(Notice::Unacknowledged { epoch }));
        }
        if let Some(id) = primary.request.take() {
            self.inbox.close(id);
            let step = Step::Serving(primary.epoch);
            out.push(Action::Notify(Notice::Activation { id, step }));
        }
        out.extend(primary.hook.take().map(Action::RunHook));
    }

    /// Whether writes must be held now, and for what.
    fn begin_pause(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) -> Option<Role> {
        let Role::Primary(primary) = &mut self.role else {
            return None;
        };
        if primary.judges_requests() {
            let purpose = if self.shutting_down {
                Some(Purpose::Release)
            } else if let Some(epoch) = primary.step_up
                && self.desk.is_idle()
                && seen.lease.epoch < epoch
            {
                Some(Purpose::StepUp(epoch))
            } else {
                self.judge_switchover(moment, seen, out)
            };
            let Role::Primary(primary) = &mut self.role else {
                return None;
            };
            if let Some(purpose) = purpose {
                primary.pause = Some(Pause::begin(purpose, moment.now, &self.setup, out));
            }
        }
        let Role::Primary(primary) = &mut self.role else {
            return None;
        };
        let pause = primary.pause.as_ref()?;
        let (Purpose::StepUp(epoch), Some(heads)) = (&pause.purpose, &pause.sealed) else {
            return None;
        };
        if !self.desk.is_idle() {
            return None;
        }
        // Above the promise: whoever made it may have served in that epoch,
        // with a store of its own.
        let epoch = epoch.next().max(seen.lease.epoch.next()).max(self.promised);
        Some(Role::Promoting(Box::new(Promotion::step_up(
            epoch,
            heads.clone(),
            out,
        ))))
    }

    fn judge_switchover(
        &mut self,
        moment: &Moment,
        seen: &Seen,
        out: &mut Vec<Action>,
    ) -> Option<Purpose> {
        let request = self.inbox.open()?.clone();
        let store_is_fresh = self.store_is_fresh_for_request(moment)?;
        let Role::Primary(primary) = &self.role else {
            return None;
        };
        let case = self.case(&request, store_is_fresh, seen, moment);
        let judgement = judge_as_primary(&case, primary);
        let accepted = self.inbox.settle(request, judgement, out)?;
        Some(Purpose::HandOver(Box::new(accepted)))
    }

    fn renew(&mut self, moment: &Moment, seen: &Seen, out: &mut Vec<Action>) {
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        if self.desk.is_idle() && primary.next_renewal <= moment.now {
            let mut draft = renewed(&seen.lease);
            draft.registered = primary.followers.with_those_of(&seen.lease);
            draft.failsafe = electors(&self.setup, primary, &seen.lease);
            primary.asking.note_drafted(&draft);
            self.desk.write(moment, seen.etag.clone(), draft, out);
        }
    }
}
