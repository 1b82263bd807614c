//! The node's view of the pair, computed when it is asked for.

use super::verdict::{self, Subject, Surroundings};
use crate::driver::Snapshot;
use crate::follow::{Context, KnowledgeView};
use crate::profile::{self, KnownPrimary, NodeProfile};
use crate::receipts::{self, ReceiptError};
use crate::settings::Settings;
use crate::shard::ShardCore;
use crate::status::{
    FlushStatus, Lag, LeaseStatus, PrimaryShard, Receipt, ScrubStatus, ShardStatus, StandbyStatus,
    StateRestored, StateStatus, Status, StreamStatus, Verdict,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use understudy_log::{Disk, Identity, OsDisk};
use understudy_protocol::control::{AckHome, ControlView, Failsafe, LeaseView};
use understudy_protocol::shard::Findings;
use understudy_protocol::{AckPolicy, FailoverPolicy, Mode, RoleName};
use understudy_types::{BootTime, Clock, ClusterId, Epoch, lsn_value};

/// A cheap, cloneable view of a running node.
#[derive(Clone)]
pub struct Observer {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    shards: Vec<Arc<ShardCore>>,
    snapshot: Arc<Mutex<Snapshot>>,
    stopped: CancellationToken,
    evidence: Evidence,
    started: BootTime,
}

/// What a verdict rests on beside the status.
#[derive(Clone)]
pub(crate) struct Evidence {
    pub(crate) primary: KnownPrimary,
    /// When this process saw the store honour conditional writes.
    pub(crate) store_proved: BootTime,
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("node", &self.settings.node)
            .finish_non_exhaustive()
    }
}

impl Observer {
    pub(crate) fn new(
        settings: Arc<Settings>,
        identity: Identity,
        clock: Arc<dyn Clock>,
        shards: Vec<Arc<ShardCore>>,
        snapshot: Arc<Mutex<Snapshot>>,
        stopped: CancellationToken,
        evidence: Evidence,
    ) -> Self {
        let started = clock.now();
        let identity = Arc::new(identity);
        Observer {
            settings,
            identity,
            clock,
            shards,
            snapshot,
            stopped,
            evidence,
            started,
        }
    }

    pub(crate) fn cluster(&self) -> ClusterId {
        self.identity.cluster
    }

    /// Cancelled when the node ends.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stopped.clone()
    }

    /// Whether this node serves writes, its lease provably valid now.
    pub fn is_primary_now(&self) -> bool {
        let snapshot = self.snapshot.lock();
        let deadline = snapshot
            .control
            .as_ref()
            .and_then(|control| control.deadline);
        snapshot.serving && deadline.is_some_and(|deadline| self.clock.now() < deadline)
    }

    /// Whether this node does its part: it serves, or it streams.
    pub fn is_ready(&self) -> bool {
        if self.is_primary_now() {
            return true;
        }
        let following = self.snapshot.lock().following.clone();
        let now = self.clock.now();
        following.is_some_and(|context| {
            let fresh = self.settings.stream.heartbeat_every * 2;
            context.knowledge.values().all(|knowledge| {
                knowledge
                    .view()
                    .last
                    .is_some_and(|heard| now.since(heard.arrived) <= fresh)
            })
        })
    }

    pub fn status(&self) -> Status {
        let now = self.clock.now();
        let (control, following, last_hook) = {
            let snapshot = self.snapshot.lock();
            (
                snapshot.control.clone(),
                snapshot.following.clone(),
                snapshot.last_hook.clone(),
            )
        };
        let primary = control.as_ref().is_some_and(|c| c.deadline.is_some());
        let following = following.filter(|_| !primary);
        let lease = control.as_ref().and_then(|c| c.lease.as_ref());
        let role = control
            .as_ref()
            .map_or("starting".to_owned(), |c| c.role.to_string());
        Status {
            node: self.settings.node.clone(),
            data_id: self.identity.data_id,
            cluster: self.identity.cluster,
            cluster_name: self.settings.cluster_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role,
            promised_epoch: control.as_ref().map(|c| c.promised).unwrap_or_default(),
            ack_policy: self.settings.ack_policy,
            failover: match self.settings.failover {
                FailoverPolicy::Manual => "manual",
                FailoverPolicy::Automatic { .. } => "automatic",
            }
            .to_owned(),
            failsafe: match self.settings.failsafe {
                Failsafe::Off => "off",
                Failsafe::On => "on",
            }
            .to_owned(),
            goes_on_by_word: control.as_ref().is_some_and(|c| c.goes_on_by_word),
            hold_off_seconds: self
                .settings
                .failover
                .hold_off()
                .map(|time| time.as_secs_f64()),
            uptime_seconds: now.since(self.started).as_secs_f64(),
            lease: lease
                .zip(control.as_ref())
                .map(|(seen, control)| lease_status(seen, control, now)),
            shards: self
                .shards
                .iter()
                .map(|shard| {
                    (
                        shard.name.clone(),
                        self.shard_status(shard, following.as_deref(), lease, now),
                    )
                })
                .collect(),
            stream: following
                .as_deref()
                .map(|context| self.stream_status(context, now)),
            standbys: control
                .as_ref()
                .map(|c| self.standbys(c, now))
                .unwrap_or_default(),
            loss_bound: control.as_ref().and_then(|c| {
                let since = now.since(c.viewed_at);
                c.loss_bound.map(|bound| bound.aged(since))
            }),
            disk_free_bytes: OsDisk::new(&self.settings.data).free_bytes().ok(),
            last_hook,
        }
    }

    /// What this node says of itself, for another one to compare.
    pub fn profile(&self) -> NodeProfile {
        profile::own(&self.settings, &self.status(), self.clock.wall_millis())
    }

    /// What remains of this node's promotions, the oldest epoch first. Blocks
    /// on the disk.
    pub fn receipts(&self) -> Result<Vec<Receipt>, ReceiptError> {
        receipts::read(&OsDisk::new(&self.settings.data))
    }

    /// What stands for and against a promotion of this node now. Changes
    /// nothing; takes `verdict.time_limit` at most, and a moment.
    pub async fn verdict(&self, mode: Mode, expected: Option<Epoch>) -> Verdict {
        let began = self.clock.now();
        let limit = self.settings.verdict.time_limit;
        let (surroundings, ()) = tokio::join!(
            Surroundings::look(&self.settings, limit),
            self.ask_primary(limit)
        );
        let status = self.status();
        let control = self.snapshot.lock().control.clone();
        let wall_millis = self.clock.wall_millis();
        let lease = control.as_ref().and_then(|control| control.lease.as_ref());
        let lease = lease.map(|seen| &seen.lease);
        let pending = control.as_ref().and_then(|control| {
            let request = control.pending.as_ref()?;
            lease
                .is_some_and(|lease| request.can_act(lease, wall_millis))
                .then_some(request)
        });
        let p99 = |shard: &Arc<ShardCore>| shard.flush_times.p99();
        let now = self.clock.now();
        let mut verdict = verdict::verdict(&Subject {
            mode,
            expected,
            settings: &self.settings,
            status: &status,
            lease,
            pending,
            own: &profile::own(&self.settings, &status, wall_millis),
            primary: self.evidence.primary.get().as_ref(),
            surroundings: &surroundings,
            flush_p99: self.shards.iter().filter_map(p99).max(),
            store_proved: self.evidence.store_proved,
            now,
        });
        verdict.took_micros = now.since(began).as_micros() as u64;
        verdict
    }

    /// Unless the primary was heard lately.
    async fn ask_primary(&self, limit: Duration) {
        let following = self.snapshot.lock().following.clone();
        if let Some(context) = following {
            let primary = &context.target.primary;
            let known = &self.evidence.primary;
            if !known.is_fresh(primary) {
                known.ask(primary, limit).await;
            }
        }
    }

    fn shard_status(
        &self,
        shard: &ShardCore,
        following: Option<&Context>,
        lease: Option<&LeaseView>,
        now: BootTime,
    ) -> ShardStatus {
        let (flushed, committed, applied, flushed_bytes, findings, free_slot, state_restored) = {
            let marks = shard.marks.lock();
            (
                marks.flushed,
                marks.committed,
                marks.applied,
                marks.flushed_bytes,
                *marks.comparison.findings(),
                marks.free_slot,
                StateRestored {
                    rolled_back: marks.restorations.rolled_back,
                    made_anew: marks.restorations.made_anew,
                },
            )
        };
        let facts = *shard.state.lock();
        let known = following.map(|context| context.knowledge[&shard.name].view());
        let heard = known.as_ref().and_then(|known| known.last);
        let lag = known.as_ref().zip(heard).map(|(known, heard)| {
            let silence = now.since(heard.arrived);
            let limit = self.settings.stream.heartbeat_every * 2;
            let there = lsn_value(heard.flushed.map(|position| position.lsn));
            let received = lsn_value(known.received).max(lsn_value(flushed.map(|p| p.lsn)));
            let records_applied = there.saturating_sub(lsn_value(applied));
            Lag {
                known: silence <= limit,
                records_received: there.saturating_sub(received),
                records_flushed: there.saturating_sub(lsn_value(flushed.map(|p| p.lsn))),
                records_applied,
                bytes_flushed: heard.bytes.saturating_sub(flushed_bytes),
                seconds: lag_seconds(silence, limit, records_applied, known, now),
            }
        });
        ShardStatus {
            client_address: shard.client_address.clone(),
            flushed,
            committed: committed.map(|lsn| lsn.get()),
            applied: applied.map(|lsn| lsn.get()),
            flushed_bytes,
            state_memory_bytes: facts.memory_bytes,
            state_digest: facts.digest.to_string(),
            state_restored,
            state: following.map(|_| state_status(&findings, now)),
            primary: heard.map(|heard| PrimaryShard {
                flushed: heard.flushed,
                committed: heard.committed.map(|lsn| lsn.get()),
                flushed_bytes: heard.bytes,
            }),
            lag,
            quarantined_records: shard.quarantined_records.load(Ordering::Relaxed),
            slots: free_slot.zip(lease).map(|(free, seen)| {
                let first = seen.lease.fallback.first_of(&shard.name);
                free.get().saturating_sub(first.get())
            }),
            scrub: self.scrub_status(shard, now),
            flush: flush_status(shard),
        }
    }

    fn scrub_status(&self, shard: &ShardCore, now: BootTime) -> Option<ScrubStatus> {
        let rate = self.settings.log.scrub_rate?;
        let facts = shard.scrub.lock();
        let age = |since| now.since(since).as_secs_f64();
        Some(ScrubStatus {
            rate_bytes: rate.get(),
            pass_bytes: facts.pass_bytes,
            pass_done_bytes: facts.pass_done,
            passes: facts.passes,
            last_pass_seconds_ago: facts.last_pass.map(age),
            damage: facts.damage.as_ref().map(ToString::to_string),
        })
    }

    fn stream_status(&self, context: &Context, now: BootTime) -> StreamStatus {
        let views: Vec<KnowledgeView> = context
            .knowledge
            .values()
            .map(|knowledge| knowledge.view())
            .collect();
        // The node is as far as the worst of its shards.
        let connected = views.iter().map(|view| view.connected).min().flatten();
        let heard = views
            .iter()
            .map(|view| view.last.map(|heard| heard.arrived))
            .min()
            .flatten();
        let age = heard.map(|heard| now.since(heard));
        let silent = age.is_none_or(|age| age > self.settings.stream.heartbeat_every * 2);
        let state = match connected {
            None => "connecting",
            Some(_) if silent => "silent",
            Some(_) => "streaming",
        };
        StreamStatus {
            state: state.to_owned(),
            primary: context.target.primary.node.clone(),
            epoch: context.target.epoch,
            connected_seconds: connected.map(|since| now.since(since).as_secs_f64()),
            heartbeat_age_seconds: age.map(|age| age.as_secs_f64()),
            round_trip_seconds: views
                .iter()
                .filter_map(|view| view.round_trip)
                .max()
                .map(|time| time.as_secs_f64()),
            cause: views.iter().find_map(|view| view.cause.clone()),
            reconnects: context.reconnects.load(Ordering::Relaxed),
        }
    }

    fn standbys(&self, control: &ControlView, now: BootTime) -> Vec<StandbyStatus> {
        if control.deadline.is_none() {
            return Vec::new();
        }
        let in_sync = control.lease.as_ref().map(|seen| &seen.lease.in_sync);
        let connected = control.peers.iter().map(|peer| {
            let behind = self.shards.iter().map(|shard| {
                let here = lsn_value(shard.flushed().map(|position| position.lsn));
                let there = peer.heads.get(&shard.name).copied().flatten();
                (
                    shard.name.clone(),
                    here.saturating_sub(lsn_value(there.map(|p| p.lsn))),
                )
            });
            StandbyStatus {
                node: peer.standby.node.clone(),
                data_id: peer.standby.data_id,
                connected: true,
                in_sync: in_sync.is_some_and(|set| set.contains(&peer.standby)),
                last_heard_seconds_ago: Some(now.since(peer.heard).as_secs_f64()),
                state_diverged: peer.state_diverged,
                flushed: peer.heads.clone(),
                records_behind: behind.collect(),
            }
        });
        let away = in_sync
            .into_iter()
            .flatten()
            .filter(|member| !control.peers.iter().any(|peer| peer.standby == **member));
        let away = away.map(|member| StandbyStatus {
            node: member.node.clone(),
            data_id: member.data_id,
            connected: false,
            in_sync: true,
            last_heard_seconds_ago: None,
            state_diverged: false,
            flushed: BTreeMap::new(),
            records_behind: BTreeMap::new(),
        });
        connected.chain(away).collect()
    }
}

fn flush_status(shard: &ShardCore) -> Option<FlushStatus> {
    let [p50, p99] = shard.flush_times.percentiles([50, 99])?;
    Some(FlushStatus {
        p50_seconds: p50.as_secs_f64(),
        p99_seconds: p99.as_secs_f64(),
    })
}

fn state_status(findings: &Findings, now: BootTime) -> StateStatus {
    let (outcome, found) = match (findings.diverged, findings.equal) {
        (Some(divergence), _) => ("diverged", Some((divergence.lsn, divergence.heard))),
        (None, Some(equal)) => ("equal", Some(equal)),
        (None, None) => ("unknown", None),
    };
    let diverged = findings.diverged;
    StateStatus {
        outcome: outcome.to_owned(),
        lsn: found.map(|(lsn, _)| lsn.get()),
        seconds_ago: found.map(|(_, heard)| now.since(heard).as_secs_f64()),
        digest: diverged.map(|divergence| divergence.here.to_string()),
        primary_digest: diverged.map(|divergence| divergence.there.to_string()),
        mismatches: findings.mismatches,
        not_comparable: findings.not_comparable,
    }
}

/// How old what is applied here is: nothing while all is applied and the
/// primary is heard; silence adds to it second by second.
fn lag_seconds(
    silence: Duration,
    limit: Duration,
    records_applied: u64,
    known: &KnowledgeView,
    now: BootTime,
) -> f64 {
    let excess = silence.saturating_sub(limit).as_secs_f64();
    if records_applied == 0 {
        return excess;
    }
    let made = known.last.and_then(|heard| heard.made_after);
    made.map_or(excess, |made| now.since(made).as_secs_f64().max(excess))
}

fn lease_status(seen: &LeaseView, control: &ControlView, now: BootTime) -> LeaseStatus {
    let lease = &seen.lease;
    let state = serde_json::to_value(lease.state).ok();
    LeaseStatus {
        epoch: lease.epoch,
        state: state
            .and_then(|s| s.as_str().map(str::to_owned))
            .unwrap_or_default(),
        holder: lease.holder.as_ref().map(|holder| holder.node.clone()),
        holder_replication: lease
            .holder
            .as_ref()
            .map(|holder| holder.replication.clone()),
        ttl_seconds: lease.ttl().as_secs_f64(),
        seen_seconds_ago: now.since(seen.seen_since).as_secs_f64(),
        store_answered_seconds_ago: control
            .store_answered
            .map(|answered| now.since(answered).as_secs_f64()),
        remaining_seconds: control
            .deadline
            .map(|deadline| deadline.since(now).as_secs_f64() - now.since(deadline).as_secs_f64()),
        in_sync: in_sync_names(lease.ack_policy, lease),
        ack_policy: lease.ack_policy,
        ack_home: Some(ack_home(lease)),
        handover_to: lease
            .handover
            .as_ref()
            .map(|handover| handover.successor.clone()),
        unacknowledged_epoch: lease.unacknowledged,
        without_store: lease.without_store.clone(),
    }
}

/// The stand-in's slots are on the holder's own disk.
fn ack_home(lease: &understudy_protocol::Lease) -> AckHome {
    match lease.without_store {
        Some(_) => AckHome::Local,
        None => AckHome::of(lease),
    }
}

fn in_sync_names(
    policy: AckPolicy,
    lease: &understudy_protocol::Lease,
) -> Vec<understudy_types::NodeId> {
    match policy {
        AckPolicy::Local => Vec::new(),
        AckPolicy::Replicated => lease
            .in_sync
            .iter()
            .map(|member| member.node.clone())
            .collect(),
    }
}

/// The role that a status names, for tools.
impl Observer {
    pub fn role(&self) -> Option<RoleName> {
        self.snapshot
            .lock()
            .control
            .as_ref()
            .map(|control| control.role)
    }
}
