//! A primary's standbys: those that stream, and those that are away.

use super::Observer;
use crate::services::Away;
use crate::status::StandbyStatus;
use std::collections::BTreeMap;
use understudy_protocol::control::{ControlView, PeerView};
use understudy_protocol::{Heads, StandbyId};
use understudy_types::{BootTime, ShardName, lsn_value};

impl Observer {
    pub(super) fn standbys(&self, control: &ControlView, now: BootTime) -> Vec<StandbyStatus> {
        if control.deadline.is_none() {
            return Vec::new();
        }
        let Some(lease) = control.lease.as_ref().map(|seen| &seen.lease) else {
            return Vec::new();
        };
        let is_member = |standby: &StandbyId| lease.in_sync.contains(standby);
        let streams = |standby: &StandbyId| {
            let mut peers = control.peers.iter();
            peers.any(|peer| peer.standby.node == standby.node)
        };
        let connected = control.peers.iter();
        let connected = connected.map(|peer| self.connected(peer, is_member(&peer.standby), now));
        let last_heard = self.sources.peers.away();
        let away = control.registered.iter();
        let away = away.filter(|standby| !streams(standby));
        let away = away.map(|standby| {
            let last_heard = last_heard.get(standby);
            self.away(standby, last_heard, is_member(standby), now)
        });
        connected.chain(away).collect()
    }

    fn connected(&self, peer: &PeerView, in_sync: bool, now: BootTime) -> StandbyStatus {
        StandbyStatus {
            node: peer.standby.node.clone(),
            data_id: peer.standby.data_id,
            connected: true,
            in_sync,
            last_heard_seconds_ago: Some(now.since(peer.heard).as_secs_f64()),
            state_diverged: peer.state_diverged,
            flushed: peer.heads.clone(),
            records_behind: self.behind(&peer.heads),
        }
    }

    fn away(
        &self,
        standby: &StandbyId,
        away: Option<&Away>,
        in_sync: bool,
        now: BootTime,
    ) -> StandbyStatus {
        let heads = away.map(|away| away.heads.clone()).unwrap_or_default();
        StandbyStatus {
            node: standby.node.clone(),
            data_id: standby.data_id,
            connected: false,
            in_sync,
            last_heard_seconds_ago: away.map(|away| now.since(away.heard).as_secs_f64()),
            state_diverged: false,
            records_behind: match heads.is_empty() {
                true => BTreeMap::new(),
                false => self.behind(&heads),
            },
            flushed: heads,
        }
    }

    fn behind(&self, heads: &Heads) -> BTreeMap<ShardName, u64> {
        let behind = self.shards.iter().map(|shard| {
            let here = lsn_value(shard.flushed().map(|position| position.lsn));
            let there = heads.get(&shard.name).copied().flatten();
            let there = lsn_value(there.map(|position| position.lsn));
            (shard.name.clone(), here.saturating_sub(there))
        });
        behind.collect()
    }
}
