//! The verdict: what stands for and against a promotion, check by check.
//!
//! A check that could not be made refuses; it is never skipped.

use crate::settings::StreamSettings;
use crate::status::{StateStatus, Status, Verdict, VerdictCheck};
use understudy_protocol::{LossBound, Mode};
use understudy_types::Epoch;

const DISK_FREE_MIN: u64 = 256 << 20;

pub(super) fn verdict(
    status: &Status,
    mode: Mode,
    expected: Option<Epoch>,
    stream: &StreamSettings,
) -> Verdict {
    let checks = vec![
        lease(status, expected),
        heartbeat(status, mode, stream),
        in_sync(status),
        loss(status, mode),
        stream_sound(status, mode),
        state(status),
        disk(status),
        wait(status, mode),
    ];
    let has = |outcome: &str| checks.iter().any(|check| check.outcome == outcome);
    let outcome = if has("refused") {
        "refused"
    } else if has("warn") {
        "ready_with_warnings"
    } else {
        "ready"
    };
    Verdict {
        node: status.node.clone(),
        mode: format!("{mode:?}").to_lowercase(),
        outcome: outcome.to_owned(),
        loss_bound: status.loss_bound,
        checks,
    }
}

fn check(id: &str, outcome: &str, fact: String, way_out: Option<&str>) -> VerdictCheck {
    VerdictCheck {
        id: id.to_owned(),
        outcome: outcome.to_owned(),
        fact,
        way_out: way_out.map(str::to_owned),
    }
}

fn lease(status: &Status, expected: Option<Epoch>) -> VerdictCheck {
    let Some(lease) = &status.lease else {
        let way_out = "restore the way to the object store";
        return check(
            "P01",
            "refused",
            "the lease was never read".to_owned(),
            Some(way_out),
        );
    };
    let holder = lease
        .holder
        .as_ref()
        .map_or("nobody".to_owned(), ToString::to_string);
    let fact = format!(
        "lease readable, epoch {}, {} by {holder}",
        lease.epoch, lease.state
    );
    match lease.store_answered_seconds_ago {
        Some(age) if age <= lease.ttl_seconds.max(5.0) => {}
        _ => {
            let way_out = "without the object store no epoch can be taken: restore the way to it";
            return check(
                "P01",
                "refused",
                "the object store does not answer".to_owned(),
                Some(way_out),
            );
        }
    }
    if expected.is_some_and(|expected| expected != lease.epoch) {
        let way_out = "look at `understudy status` and ask with the epoch that it shows";
        return check("P01", "refused", fact, Some(way_out));
    }
    if status.is_primary() {
        let way_out = "name the other node as the target";
        return check(
            "P01",
            "refused",
            format!("{} is the primary already", status.node),
            Some(way_out),
        );
    }
    check("P01", "ok", fact, None)
}

fn heartbeat(status: &Status, mode: Mode, stream: &StreamSettings) -> VerdictCheck {
    let age = status
        .stream
        .as_ref()
        .and_then(|stream| stream.heartbeat_age_seconds);
    let limit = (stream.heartbeat_every * 4).as_secs_f64();
    match (age, mode) {
        (Some(age), _) if age <= limit => check(
            "P02",
            "ok",
            format!("heartbeat {age:.1} s ago (limit {limit:.1} s)"),
            None,
        ),
        (age, Mode::Switchover) => {
            let way_out = "a switchover needs a primary that streams; when it is gone use `understudy failover`";
            let fact = age.map_or("no heartbeat".to_owned(), |age| {
                format!("last heartbeat {age:.1} s ago")
            });
            check("P02", "refused", fact, Some(way_out))
        }
        (Some(age), Mode::Failover) => check(
            "P02",
            "warn",
            format!("the primary is silent for {age:.1} s"),
            None,
        ),
        (None, Mode::Failover) => check(
            "P02",
            "warn",
            "the primary was never heard since this node started".to_owned(),
            None,
        ),
    }
}

fn in_sync(status: &Status) -> VerdictCheck {
    let listed = status
        .lease
        .as_ref()
        .is_some_and(|lease| lease.in_sync.contains(&status.node));
    match &status.lease {
        Some(lease) if lease.ack_policy == understudy_protocol::AckPolicy::Local => check(
            "P03",
            "ok",
            "ack policy local: no in-sync set is kept".to_owned(),
            None,
        ),
        Some(_) if listed => check(
            "P03",
            "ok",
            "in the in-sync set that the lease stores".to_owned(),
            None,
        ),
        _ => check(
            "P03",
            "warn",
            "not in the in-sync set that the lease stores".to_owned(),
            Some("wait until `understudy status` shows IN SYNC, or accept the loss"),
        ),
    }
}

fn loss(status: &Status, mode: Mode) -> VerdictCheck {
    match (&status.loss_bound, mode) {
        (Some(LossBound::Nothing), _) => {
            check("P04", "ok", "loses no acknowledged write".to_owned(), None)
        }
        (_, Mode::Switchover) => check(
            "P04",
            "ok",
            "a switchover seals the log before it moves".to_owned(),
            None,
        ),
        (Some(bound), Mode::Failover) => check(
            "P04",
            "refused",
            format!("may lose {bound}"),
            Some(
                "use `understudy switchover` while the primary lives, or --accept-loss SECONDS|unknown",
            ),
        ),
        (None, Mode::Failover) => check(
            "P04",
            "refused",
            "what may be lost could not be determined".to_owned(),
            Some("wait until this node has read the lease"),
        ),
    }
}

/// The log itself, and then the stream that fills it.
fn stream_sound(status: &Status, mode: Mode) -> VerdictCheck {
    let scrubs = status.shards.values().filter_map(|s| s.scrub.as_ref());
    if let Some(damage) = scrubs.filter_map(|scrub| scrub.damage.as_ref()).next() {
        let way_out =
            "restart this node: as a standby it fetches the damaged end anew from the primary";
        return check("P05", "refused", damage.clone(), Some(way_out));
    }
    let cause = status
        .stream
        .as_ref()
        .and_then(|stream| stream.cause.clone());
    match cause {
        Some(cause) if mode == Mode::Switchover => check(
            "P05",
            "refused",
            format!("the stream ended: {cause}"),
            Some("wait until it streams again; when the primary is gone use `understudy failover`"),
        ),
        None => check(
            "P05",
            "ok",
            "the chain of every batch was verified as it came".to_owned(),
            None,
        ),
        Some(cause) => check("P05", "warn", format!("the stream ended: {cause}"), None),
    }
}

/// The node's state is as sound as the worst of its shards.
fn state(status: &Status) -> VerdictCheck {
    let found = status.shards.iter().map(|(name, shard)| {
        let outcome = shard.state.as_ref().map(|state| state.outcome.as_str());
        (name, shard.state.as_ref(), outcome.unwrap_or("unknown"))
    });
    let found: Vec<_> = found.collect();
    let with = |wanted: &str| found.iter().find(|(.., outcome)| *outcome == wanted);
    if let Some((name, state, _)) = with("diverged") {
        let lsn = state.and_then(|state| state.lsn).unwrap_or_default();
        return check(
            "P06",
            "refused",
            format!("the state of shard {name} DIVERGED from the primary's at record {lsn}"),
            Some(
                "`understudy diff` shows where; `understudy rebuild` makes it anew from this node's log",
            ),
        );
    }
    if let Some((name, ..)) = with("unknown") {
        return check(
            "P06",
            "warn",
            format!(
                "the state of shard {name} was not compared with the primary's since it was made"
            ),
            Some("wait for the primary's next heartbeat"),
        );
    }
    let states = found.iter().filter_map(|(_, state, _)| *state);
    let told: Vec<String> = states.map(compared).collect();
    let fact = format!("state digest equals the primary's at {}", told.join(", "));
    check("P06", "ok", fact, None)
}

fn compared(state: &StateStatus) -> String {
    format!(
        "record {} ({:.1} s ago)",
        state.lsn.unwrap_or_default(),
        state.seconds_ago.unwrap_or_default()
    )
}

fn disk(status: &Status) -> VerdictCheck {
    match status.disk_free_bytes {
        Some(free) if free >= DISK_FREE_MIN => check(
            "P08",
            "ok",
            format!(
                "{} free on the log's disk",
                understudy_types::ByteCount(free)
            ),
            None,
        ),
        Some(free) => check(
            "P08",
            "refused",
            format!(
                "only {} free on the log's disk",
                understudy_types::ByteCount(free)
            ),
            Some("make room first"),
        ),
        None => check(
            "P08",
            "refused",
            "the log's disk could not be looked at".to_owned(),
            Some("check the data root"),
        ),
    }
}

fn wait(status: &Status, mode: Mode) -> VerdictCheck {
    let Some(lease) = status.lease.as_ref().filter(|_| mode == Mode::Failover) else {
        return check("P20", "ok", "nothing to wait for".to_owned(), None);
    };
    let left = lease.ttl_seconds * 1.1 - lease.seen_seconds_ago;
    let fact = match lease.state.as_str() {
        "released" => "the lease is free".to_owned(),
        _ if left <= 0.0 => "the lease has run out".to_owned(),
        _ => format!("the old lease runs out in {left:.1} s, unless it is renewed"),
    };
    check("P20", "ok", fact, None)
}
