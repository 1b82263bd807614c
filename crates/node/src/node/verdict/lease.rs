//! What the object store says.

use super::{Finding, Subject, mode_word, ok, refused, warn};
use understudy_protocol::control::AckHome;
use understudy_protocol::{AckPolicy, LossBound, Mode};

/// P01: the store answers, the lease is readable, and conditional writes were
/// proved; and it is this node's to take in the epoch that was expected.
pub(super) fn readable(subject: &Subject<'_>) -> Finding {
    let Some(lease) = &subject.status.lease else {
        return refused(
            "the lease was never read",
            "restore the way to the object store",
        );
    };
    if let Some(mark) = &lease.without_store {
        return refused(
            format!(
                "the object store was given up by {} ({}): the lease is on this node's own disk",
                mark.by, mark.reason
            ),
            "`understudy store adopt` first, on the stopped node",
        );
    }
    let limit = lease.ttl_seconds.max(5.0);
    let age = match lease.store_answered_seconds_ago {
        Some(age) if age <= limit => age,
        _ => {
            return refused(
                format!("the object store has not answered for more than {limit:.0} s"),
                "without the object store no epoch can be taken: restore the way to it",
            );
        }
    };
    let holder = lease.holder_name();
    let proved = subject.now.since(subject.store_proved).as_secs_f64();
    let fact = format!(
        "lease read {age:.1} s ago (limit {limit:.0} s), epoch {}, {} by {holder}; conditional writes proved {proved:.0} s ago",
        lease.epoch, lease.state
    );
    let expected = subject.expected;
    if expected.is_some_and(|expected| expected != lease.epoch) {
        return refused(
            fact,
            "look at `understudy status` and ask with the epoch that it shows",
        );
    }
    if subject.status.is_primary() {
        return refused(
            format!("{} is the primary already", subject.status.node),
            "name the other node as the target",
        );
    }
    ok(fact)
}

/// P03: what is acknowledged is here.
pub(super) fn in_sync(subject: &Subject<'_>) -> Finding {
    let Some(lease) = &subject.status.lease else {
        return refused(
            "the lease was never read",
            "restore the way to the object store",
        );
    };
    if lease.ack_policy == AckPolicy::Local {
        ok("ack policy local: no in-sync set is kept")
    } else if lease.in_sync.contains(&subject.status.node) {
        ok("in the in-sync set that the lease stores")
    } else if lease.ack_home == Some(AckHome::Store)
        && subject.status.loss_bound == Some(LossBound::Nothing)
    {
        ok(
            "nobody is in sync: acknowledged writes rest in the object store, and this log joins what is there",
        )
    } else {
        warn(
            "not in the in-sync set that the lease stores",
            "wait until `understudy status` shows IN SYNC, or accept the loss",
        )
    }
}

/// P17: nobody else has asked for something.
pub(super) fn pending(subject: &Subject<'_>) -> Finding {
    let Some(pending) = subject.pending else {
        return ok("no request is pending");
    };
    let fact = format!(
        "a request is pending: {} to {} by {} (id {})",
        mode_word(pending.mode),
        pending.target,
        pending.by,
        pending.id
    );
    if pending.mode == subject.mode && pending.target == subject.status.node {
        return warn(
            fact,
            "it asks for the same: the first one that is judged acts",
        );
    }
    refused(
        fact,
        format!(
            "wait until it is done or void, at the latest a minute after it was made; or replace it with --replace {}",
            pending.id
        ),
    )
}

/// P20: how long a forced failover waits for the old primary's silence.
pub(super) fn wait(subject: &Subject<'_>) -> Finding {
    if subject.mode == Mode::Switchover {
        return ok("nothing to wait for: the primary hands over");
    }
    let Some(lease) = &subject.status.lease else {
        return refused(
            "the lease was never read, so how long to wait is not known",
            "restore the way to the object store",
        );
    };
    let whole = lease.ttl_seconds * 1.1;
    let left = whole - lease.seen_seconds_ago;
    ok(match lease.state.as_str() {
        "released" => "the lease is free: nothing to wait for".to_owned(),
        _ if left <= 0.0 => {
            format!("the lease has run out (unchanged for more than ttl × 1.1 = {whole:.1} s)")
        }
        _ => format!(
            "waits {left:.1} s for the old lease to run out, at most {whole:.1} s after its last renewal"
        ),
    })
}
