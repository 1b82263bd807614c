//! What the core is shown before it decides, and what others are shown after.

use super::Driver;
use crate::handle::{PrimaryView, ShardView};
use understudy_protocol::control::{ControlView, PeerView};
use understudy_protocol::{AckPolicy, Event, Facts, LeaseState, RoleName};

impl Driver {
    pub(super) async fn collect(&mut self) {
        self.check_flag_file().await;
        self.check_stand_in().await;
        self.keep_last_seen();
        let facts = self.facts();
        self.step(Event::Facts(facts)).await;
        self.collect_peers().await;
    }

    /// Of each shard one moment.
    fn facts(&self) -> Facts {
        let mut facts = Facts {
            diverged_standbys: self.peers.diverged(),
            ..Facts::default()
        };
        for shard in &self.shards {
            let name = || shard.name.clone();
            facts.log_damaged |= shard.scrub.lock().damage.is_some();
            let marks = shard.marks.lock();
            facts.heads.insert(name(), marks.flushed);
            facts.committed.insert(name(), marks.committed);
            facts.stored.insert(name(), marks.stored());
            let free = marks.free_slot.map(|free| (name(), free));
            facts.free_slots.extend(free);
            let last = marks.history.epochs.last();
            let last = last.map(|(epoch, _)| (name(), *epoch));
            facts.last_epochs.extend(last);
            facts.state_diverged |= marks.comparison.is_diverged();
        }
        if let Some(following) = &self.state.following {
            let epoch = following.context.target.epoch;
            for (shard, knowledge) in &following.context.knowledge {
                let head = facts.heads.get(shard).copied().flatten();
                let known = knowledge.known(epoch, head.map(|head| head.lsn));
                facts
                    .known
                    .extend(known.map(|known| (shard.clone(), known)));
            }
        }
        facts
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
