//! The times of the lease, and what follows from them.

use super::Checked;
use crate::config::raw::{FailoverWord, File};
use crate::config::units::Span;
use std::time::Duration;
use understudy_protocol::{FailoverPolicy, Timing};

/// What is not given follows from `lease.ttl`, so that one number is enough.
pub(super) fn timing(file: &File) -> Checked<Timing> {
    let default = Timing::default();
    let given = |span: Option<Span>| span.map(|span| span.0);
    let lease = &file.lease;
    let ttl = given(lease.ttl).unwrap_or(default.ttl);
    let margin = given(lease.margin).unwrap_or(ttl / 10);
    let renew_every = given(lease.renew_every).unwrap_or(ttl / 5);
    let poll_every = given(lease.poll_every).unwrap_or(default.poll_every.min(ttl / 5));
    let room = ttl
        .saturating_sub(margin)
        .saturating_sub(renew_every)
        .saturating_sub(Duration::from_millis(500));
    let attempt_timeout =
        given(lease.attempt_timeout).unwrap_or(default.attempt_timeout.min(room / 2));
    if attempt_timeout.is_zero() {
        return Err(format!(
            "lease.ttl ({ttl:?}) leaves no time for a request to the store: it must be longer than lease.margin ({margin:?}) + lease.renew_every ({renew_every:?}) + 500 ms; raise it, or lower the other two"
        ));
    }
    if poll_every >= ttl {
        return Err(format!(
            "lease.poll_every ({poll_every:?}) must be shorter than lease.ttl ({ttl:?}), or a standby would miss the primary's renewals: lower lease.poll_every"
        ));
    }
    Timing {
        ttl,
        margin,
        renew_every,
        poll_every,
        attempt_timeout,
        handover_timeout: given(file.handover.timeout).unwrap_or(default.handover_timeout),
        standby_timeout: given(file.standby.timeout).unwrap_or(default.standby_timeout),
    }
    .checked()
    .map_err(|error| error.to_string())
}

pub(super) fn failover(file: &File, timing: &Timing) -> Checked<FailoverPolicy> {
    let hold_off = file.automatic.hold_off.map(|span| span.0);
    match file.failover {
        Some(FailoverWord::Automatic) => {
            FailoverPolicy::automatic(hold_off, timing).map_err(|error| error.to_string())
        }
        Some(FailoverWord::Manual) | None => Ok(FailoverPolicy::Manual),
    }
}
