//! One shard, and how far it is behind.

use super::Observer;
use crate::follow::{Context, KnowledgeView};
use crate::shard::ShardCore;
use crate::status::{
    FlushStatus, Lag, PrimaryShard, RemakingStatus, ScrubStatus, ShardStatus, StateRestored,
    StateStatus,
};
use std::sync::atomic::Ordering;
use understudy_protocol::control::LeaseView;
use understudy_protocol::lag::{self, Condition, Evidence, Mark, Stage};
use understudy_protocol::shard::Findings;
use understudy_types::{BootTime, Lsn, Position, lsn_value};

/// The shard's watermarks and findings at one moment.
struct Local {
    flushed: Option<Position>,
    flushed_bytes: u64,
    committed: Option<Lsn>,
    applied: Mark,
    findings: Findings,
    free_slot: Option<understudy_protocol::fallback::SlotNumber>,
    restored: StateRestored,
    restoring: bool,
    remaking: Option<RemakingStatus>,
}

impl Local {
    fn of(shard: &ShardCore) -> Local {
        let marks = shard.marks.lock();
        Local {
            flushed: marks.flushed,
            flushed_bytes: marks.flushed_bytes,
            committed: marks.committed,
            applied: Mark {
                lsn: marks.applied,
                bytes: marks.applied_bytes,
            },
            findings: *marks.comparison.findings(),
            free_slot: marks.free_slot,
            restored: StateRestored {
                rolled_back: marks.restorations.rolled_back,
                made_anew: marks.restorations.made_anew,
            },
            restoring: marks.needs_restoration(),
            remaking: marks.remaking.map(|remaking| RemakingStatus {
                records_done: remaking.done,
                records_total: remaking.total,
            }),
        }
    }

    fn flushed(&self) -> Mark {
        Mark {
            lsn: self.flushed.map(|position| position.lsn),
            bytes: self.flushed_bytes,
        }
    }
}

/// What a standby's shard knows of its primary.
struct Followed {
    received: Mark,
    lag: Option<lag::Lag>,
    view: KnowledgeView,
}

impl Observer {
    pub(super) fn shard_status(
        &self,
        shard: &ShardCore,
        following: Option<&Context>,
        lease: Option<&LeaseView>,
        now: BootTime,
    ) -> ShardStatus {
        let local = Local::of(shard);
        let facts = *shard.state.lock();
        let followed = following.map(|context| self.followed(shard, context, &local, now));
        let heard = followed.as_ref().and_then(|followed| followed.view.last);
        let condition = followed
            .as_ref()
            .map(|followed| self.condition(&local, followed, now));
        ShardStatus {
            client_address: shard.client_address.clone(),
            flushed: local.flushed,
            committed: local.committed.map(Lsn::get),
            applied: local.applied.lsn.map(Lsn::get),
            received: followed
                .as_ref()
                .map(|followed| lsn_value(followed.received.lsn)),
            received_bytes: followed.as_ref().map(|followed| followed.received.bytes),
            flushed_bytes: local.flushed_bytes,
            applied_bytes: local.applied.bytes,
            state_memory_bytes: facts.memory_bytes,
            state_digest: facts.digest.to_string(),
            state_restored: local.restored,
            remaking: local.remaking,
            state: following.map(|_| state_status(&local.findings, now)),
            primary: heard.map(|heard| PrimaryShard {
                flushed: heard.flushed,
                committed: heard.committed.map(Lsn::get),
                flushed_bytes: heard.bytes,
            }),
            lag: followed.and_then(|followed| followed.lag).map(lag_status),
            condition: condition.map(|condition| condition.to_string()),
            quarantined_records: shard.quarantined_records.load(Ordering::Relaxed),
            slots: local.free_slot.zip(lease).map(|(free, seen)| {
                let first = seen.lease.fallback.first_of(&shard.name);
                free.get().saturating_sub(first.get())
            }),
            scrub: self.scrub_status(shard, &local, now),
            flush: flush_status(shard),
        }
    }

    fn followed(
        &self,
        shard: &ShardCore,
        context: &Context,
        local: &Local,
        now: BootTime,
    ) -> Followed {
        let knowledge = &context.knowledge[&shard.name];
        let every = self.settings.stream.heartbeat_every;
        let (received, lag) = knowledge.lag(local.flushed(), local.applied, now, every);
        Followed {
            received,
            lag,
            view: knowledge.view(local.applied.lsn),
        }
    }

    fn condition(&self, local: &Local, followed: &Followed, now: BootTime) -> Condition {
        let view = &followed.view;
        let since = |moment: Option<BootTime>| moment.map(|moment| now.since(moment));
        // A heartbeat of a former stream is none of this one.
        let heard = view.last.map(|heard| heard.arrived);
        lag::judge(&Evidence {
            connected: since(view.connected),
            ended: view.broken.as_ref().map(|broken| broken.end),
            heartbeat_age: since(heard.filter(|heard| Some(*heard) >= view.connected)),
            batch_age: since(view.last_batch),
            lag: followed.lag.as_ref(),
            restoring: local.restoring,
            to_apply: local.applied.lsn < local.committed,
            work_age: since(view.worked_at),
            heartbeat_every: self.settings.stream.heartbeat_every,
        })
    }

    fn scrub_status(&self, shard: &ShardCore, local: &Local, now: BootTime) -> Option<ScrubStatus> {
        let rate = self.settings.log.scrub_rate?;
        let facts = shard.scrub.lock();
        let age = |since| now.since(since).as_secs_f64();
        Some(ScrubStatus {
            rate_bytes: rate.get(),
            pass_bytes: facts.pass_bytes,
            pass_done_bytes: facts.pass_done,
            passes: facts.passes,
            last_pass_seconds_ago: facts.last_pass.map(age),
            // The log may have been cut since.
            verified: facts.verified.min(local.flushed().lsn).map(Lsn::get),
            damage: facts.damage.as_ref().map(ToString::to_string),
        })
    }
}

fn flush_status(shard: &ShardCore) -> Option<FlushStatus> {
    let [p50, p99] = shard.meters.recent_flushes.percentiles([50, 99])?;
    Some(FlushStatus {
        p50_seconds: p50.as_secs_f64(),
        p99_seconds: p99.as_secs_f64(),
    })
}

fn lag_status(lag: lag::Lag) -> Lag {
    let [received, flushed, applied] = Stage::ALL.map(|stage| lag.at(stage));
    let bytes = |lag: lag::StageLag| lag.bytes.unwrap_or_default();
    Lag {
        known: lag.known,
        records_received: received.records,
        records_flushed: flushed.records,
        records_applied: applied.records,
        bytes_received: bytes(received),
        bytes_flushed: bytes(flushed),
        bytes_applied: bytes(applied),
        seconds_received: received.age.as_secs_f64(),
        seconds_flushed: flushed.age.as_secs_f64(),
        seconds: applied.age.as_secs_f64(),
    }
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
