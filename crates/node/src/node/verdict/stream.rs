//! What came from the primary, and how far it is.

use super::{Finding, Subject, names, ok, refused, warn};
use crate::status::{ShardStatus, StateStatus};
use understudy_protocol::{AckPolicy, LossBound, Mode};
use understudy_types::{ShardName, lsn_value};

/// P02: the primary is heard.
pub(super) fn heartbeat(subject: &Subject<'_>) -> Finding {
    let stream = subject.status.stream.as_ref();
    let age = stream.and_then(|stream| stream.heartbeat_age_seconds);
    let limit = subject.settings.verdict.heartbeat_age_max.as_secs_f64();
    match (age, subject.mode) {
        (Some(age), _) if age <= limit => {
            ok(format!("heartbeat {age:.1} s ago (limit {limit:.1} s)"))
        }
        (age, Mode::Switchover) => refused(
            age.map_or("no heartbeat".to_owned(), |age| {
                format!("last heartbeat {age:.1} s ago (limit {limit:.1} s)")
            }),
            "a switchover needs a primary that streams; when it is gone use `understudy failover`",
        ),
        (age, Mode::Failover) => warn(
            age.map_or(
                "the primary was never heard since this node started".to_owned(),
                |age| format!("the primary is silent for {age:.1} s"),
            ),
            "the loss bound counts it: read P04",
        ),
    }
}

/// P04: a failover loses nothing that was acknowledged; a switchover's target
/// is so near that writes are not held for long.
pub(super) fn distance(subject: &Subject<'_>) -> Finding {
    match (&subject.status.loss_bound, subject.mode) {
        (_, Mode::Switchover) => lag(subject),
        (Some(LossBound::Nothing), Mode::Failover) => ok("loses no acknowledged write"),
        (Some(bound), Mode::Failover) => refused(
            format!("may lose {bound}"),
            "use `understudy switchover` while the primary lives, or --accept-loss SECONDS|unknown",
        ),
        (None, Mode::Failover) => refused(
            "what may be lost could not be determined",
            "wait until this node has read the lease",
        ),
    }
}

fn lag(subject: &Subject<'_>) -> Finding {
    let limits = &subject.settings.verdict;
    let (records_max, seconds_max) = (limits.lag_records_max, limits.lag_max.as_secs_f64());
    let lags = subject.status.shards.values().map(|shard| &shard.lag);
    let Some(lags) = lags
        .map(|lag| lag.as_ref().filter(|lag| lag.known))
        .collect::<Option<Vec<_>>>()
    else {
        return refused(
            "how far this node is behind is not known",
            "wait until `understudy status` shows its lag",
        );
    };
    let records = lags.iter().map(|lag| lag.records_flushed).max();
    let records = records.unwrap_or_default();
    let seconds = lags.iter().map(|lag| lag.seconds).fold(0.0, f64::max);
    let fact = format!(
        "{records} records (limit {records_max}) and {seconds:.2} s (limit {seconds_max:.2} s) behind; a switchover seals the log before it moves"
    );
    if records > records_max || seconds > seconds_max {
        refused(
            fact,
            "wait until the standby has caught up: writes would be held for as long",
        )
    } else {
        ok(fact)
    }
}

/// P05: every batch of this log was proved by the chain.
pub(super) fn chain(subject: &Subject<'_>) -> Finding {
    let status = subject.status;
    let scrubs = status.shards.values().filter_map(|s| s.scrub.as_ref());
    if let Some(damage) = scrubs.filter_map(|scrub| scrub.damage.as_ref()).next() {
        return refused(
            damage.clone(),
            "restart this node: as a standby it fetches the damaged end anew from the primary",
        );
    }
    let cause = status
        .stream
        .as_ref()
        .and_then(|stream| stream.cause.as_ref());
    let walked = format!(
        "the chain was verified head to end at the start ({:.0} s ago), and with every batch since",
        status.uptime_seconds
    );
    match (cause, subject.mode) {
        (Some(cause), Mode::Switchover) => refused(
            format!("the stream ended: {cause}"),
            "wait until it streams again; when the primary is gone use `understudy failover`",
        ),
        (Some(cause), Mode::Failover) => warn(
            format!("{walked}; the stream ended: {cause}"),
            "what came before the end is sound",
        ),
        (None, _) => ok(walked),
    }
}

/// P06: the node's state is as sound as the worst of its shards.
pub(super) fn digest(subject: &Subject<'_>) -> Finding {
    let found = subject.status.shards.iter().map(|(name, shard)| {
        let outcome = shard.state.as_ref().map(|state| state.outcome.as_str());
        (name, shard.state.as_ref(), outcome.unwrap_or("unknown"))
    });
    let found: Vec<_> = found.collect();
    let with = |wanted: &str| found.iter().find(|(.., outcome)| *outcome == wanted);
    if let Some((name, state, _)) = with("diverged") {
        let lsn = state.and_then(|state| state.lsn).unwrap_or_default();
        return refused(
            format!("the state of shard {name} DIVERGED from the primary's at record {lsn}"),
            "`understudy diff` shows where; `understudy rebuild` makes it anew from this node's log",
        );
    }
    if let Some((name, ..)) = with("unknown") {
        return warn(
            format!(
                "the state of shard {name} was not compared with the primary's since it was made"
            ),
            "wait for the primary's next heartbeat",
        );
    }
    let states = found.iter().filter_map(|(_, state, _)| *state);
    let told: Vec<String> = states.map(compared).collect();
    ok(format!(
        "state digest equals the primary's at {}",
        told.join(", ")
    ))
}

fn compared(state: &StateStatus) -> String {
    format!(
        "record {} ({:.1} s ago)",
        state.lsn.unwrap_or_default(),
        state.seconds_ago.unwrap_or_default()
    )
}

/// P07: all shards are here, none is shorter than the lease says, and for a
/// switchover all of them stream.
pub(super) fn cut(subject: &Subject<'_>) -> Finding {
    let Some(lease) = subject.lease else {
        return refused(
            "the lease was never read",
            "restore the way to the object store",
        );
    };
    let shards = &subject.status.shards;
    let served = lease.holder.iter().flat_map(|holder| holder.clients.keys());
    let absent: Vec<&ShardName> = served.filter(|name| !shards.contains_key(name)).collect();
    if !absent.is_empty() {
        return refused(
            format!(
                "the primary serves shards that this node has not: {}",
                names(absent.into_iter().map(ShardName::as_str))
            ),
            "give both nodes the same [[shard]] tables",
        );
    }
    let begun = lease.history.last();
    let shorter = shards.iter().filter(|(name, shard)| {
        let here = lsn_value(shard.flushed.map(|position| position.lsn));
        let fork = begun.and_then(|record| record.forks.get(name).copied().flatten());
        here < lsn_value(fork.map(|position| position.lsn))
    });
    let shorter: Vec<&str> = shorter.map(|(name, _)| name.as_str()).collect();
    if !shorter.is_empty() {
        return refused(
            format!(
                "shorter than they were when the epoch began: {}",
                names(shorter)
            ),
            "wait until they have been streamed again",
        );
    }
    let unknown =
        |(_, shard): &(&ShardName, &ShardStatus)| shard.lag.as_ref().is_none_or(|lag| !lag.known);
    let unknown: Vec<&str> = shards
        .iter()
        .filter(unknown)
        .map(|(name, _)| name.as_str())
        .collect();
    let all = shards.len();
    let known = all - unknown.len();
    if unknown.is_empty() {
        return ok(format!(
            "{all} of {all} shards stream, none is shorter than the lease says"
        ));
    }
    let fact = format!(
        "{known} of {all} shards stream; the end is not known of: {}",
        names(unknown)
    );
    match subject.mode {
        Mode::Switchover => refused(fact, "wait until every shard streams"),
        Mode::Failover => warn(fact, "the loss bound covers all shards: read P04"),
    }
}

/// P16: no other standby has more.
pub(super) fn others(subject: &Subject<'_>) -> Finding {
    let Some(lease) = subject.lease else {
        return refused(
            "the lease was never read",
            "restore the way to the object store",
        );
    };
    let me = &subject.status.node;
    let member = lease.in_sync.iter().any(|member| member.node == *me);
    if lease.ack_policy == AckPolicy::Replicated && !member {
        let others = lease.in_sync.iter().map(|member| member.node.as_str());
        let others: Vec<&str> = others.collect();
        if !others.is_empty() {
            return refused(
                format!("in the in-sync set instead of this node: {}", names(others)),
                "promote one that has everything",
            );
        }
    }
    let standbys = subject
        .primary
        .iter()
        .flat_map(|heard| &heard.profile.standbys);
    let mut ahead = standbys
        .filter(|(node, _)| *node != me)
        .filter_map(|(node, flushed)| {
            let more = flushed.iter().map(|(shard, there)| {
                let here = subject.status.shards.get(shard);
                let here = here
                    .and_then(|shard| shard.flushed)
                    .map(|position| position.lsn);
                there.saturating_sub(lsn_value(here))
            });
            more.max().filter(|more| *more > 0).map(|more| (node, more))
        });
    match ahead.next() {
        Some((node, records)) => refused(
            format!("{node} had {records} records more when the primary was last heard"),
            format!("promote {node}, or wait until this node has caught up"),
        ),
        None => ok("no other standby is known to have more"),
    }
}
