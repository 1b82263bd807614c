//! What the core is shown before it decides, and what others are shown after.

use super::Driver;
use crate::handle::{PrimaryView, ShardView};
use std::collections::BTreeMap;
use understudy_protocol::control::{ControlView, PeerView};
use understudy_protocol::{AckPolicy, Event, Facts, Heads, LeaseState, RoleName};

impl Driver {
    pub(super) fn heads(&self) -> Heads {
        self.shards
            .iter()
            .map(|shard| (shard.name.clone(), shard.flushed()))
            .collect()
    }

    pub(super) async fn collect(&mut self) {
        self.check_flag_file().await;
        let heads = self.heads();
        let mut known = BTreeMap::new();
        if let Some(following) = &self.state.following {
            for (shard, knowledge) in &following.context.knowledge {
                let flushed = heads.get(shard).copied().flatten().map(|head| head.lsn);
                if let Some(fact) = knowledge.known(following.context.target.epoch, flushed) {
                    known.insert(shard.clone(), fact);
                }
            }
        }
        let (mut last_epochs, mut committed) = (BTreeMap::new(), BTreeMap::new());
        let (mut free_slots, mut stored) = (BTreeMap::new(), BTreeMap::new());
        for shard in &self.shards {
            let marks = shard.marks.lock();
            let name = || shard.name.clone();
            committed.insert(name(), marks.committed);
            last_epochs.extend(
                marks
                    .history
                    .epochs
                    .last()
                    .map(|(epoch, _)| (name(), *epoch)),
            );
            free_slots.extend(marks.free_slot.map(|free| (name(), free)));
            stored.insert(name(), marks.stored());
        }
        let facts = Facts {
            heads,
            last_epochs,
            committed,
            free_slots,
            stored,
            known,
            state_diverged: self
                .shards
                .iter()
                .any(|shard| shard.marks.lock().comparison.is_diverged()),
            log_damaged: self
                .shards
                .iter()
                .any(|shard| shard.scrub.lock().damage.is_some()),
            diverged_standbys: self.peers.diverged(),
        };
        self.step(Event::Facts(facts)).await;
        self.collect_peers().await;
    }

    async fn collect_peers(&mut self) {
        let complete = self.peers.complete(self.shards.len());
        let gone: Vec<_> = self
            .state
            .told_peers
            .keys()
            .filter(|told| !complete.iter().any(|peer| peer.standby == **told))
            .cloned()
            .collect();
        for standby in gone {
            self.state.told_peers.remove(&standby);
            self.step(Event::PeerGone(standby)).await;
        }
        for peer in complete {
            let told = self
                .state
                .told_peers
                .insert(peer.standby.clone(), peer.heard);
            if peer.vouched > 0 {
                self.step(Event::PeerVouched {
                    peer: peer.standby.clone(),
                    round: peer.vouched,
                })
                .await;
            }
            if told < Some(peer.heard) {
                self.step(Event::PeerFlushed {
                    peer: peer.standby,
                    heads: peer.heads,
                })
                .await;
            }
        }
    }

    /// Publishes the role to the services and the status.
    pub(super) fn publish(&self) {
        let now = self.clock.now();
        let control = self.control.view(now);
        let here =
            self.state.granted && matches!(control.role, RoleName::Primary | RoleName::HandingOver);
        let holder = control
            .lease
            .as_ref()
            .map(|seen| &seen.lease)
            .filter(|lease| lease.state == LeaseState::Held && lease.handover.is_none())
            .and_then(|lease| lease.holder.as_ref().map(|holder| (lease.epoch, holder)));
        for (shard, view) in self.shards.iter().zip(&self.views) {
            let primary = holder.and_then(|(_, holder)| {
                let client_address = holder.clients.get(&shard.name)?.clone();
                Some(PrimaryView {
                    node: holder.node.clone(),
                    client_address,
                })
            });
            let epoch = control
                .lease
                .as_ref()
                .map(|seen| seen.lease.epoch)
                .unwrap_or_default();
            let next = ShardView {
                epoch,
                primary,
                here,
            };
            view.send_if_modified(|current| {
                let changed = *current != next;
                *current = next;
                changed
            });
        }
        self.peers.await_reports(awaits_reports(&control));
        let mut snapshot = self.snapshot.lock();
        snapshot.control = Some(control);
        snapshot.serving = here;
        snapshot.following = self
            .state
            .following
            .as_ref()
            .map(|following| following.context.clone());
    }
}

/// Whether the next report of a standby lets the core go on: a hand-over
/// waits for its target, or a standby is on its way into the in-sync set.
fn awaits_reports(control: &ControlView) -> bool {
    let joins = control.lease.as_ref().is_some_and(|seen| {
        let (policy, in_sync) = (seen.lease.ack_policy, &seen.lease.in_sync);
        let outside = |peer: &PeerView| !in_sync.contains(&peer.standby);
        policy == AckPolicy::Replicated && control.peers.iter().any(outside)
    });
    joins || control.role == RoleName::HandingOver
}
