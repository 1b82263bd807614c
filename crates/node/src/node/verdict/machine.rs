//! What this machine gives.

use super::surroundings::Address;
use super::{Finding, Subject, names, ok, refused, warn};
use crate::profile::Source;
use std::time::Duration;
use understudy_types::ByteCount;

/// P08: room, and flushes in time. A flush that failed has ended the process.
pub(super) fn disk(subject: &Subject<'_>) -> Finding {
    let limits = &subject.settings.verdict;
    let Some(free) = subject.status.disk_free_bytes else {
        return refused(
            "the log's disk could not be looked at",
            "check the data root",
        );
    };
    let free = ByteCount(free);
    if free < limits.disk_free_min {
        return refused(
            format!(
                "only {free} free on the log's disk (at least {})",
                limits.disk_free_min
            ),
            "make room first",
        );
    }
    let flushed = match subject.flush_p99 {
        Some(p99) => format!("flush p99 {p99:.1?} (limit {:?})", limits.flush_time_max),
        None => "nothing was flushed since the start".to_owned(),
    };
    let fact = format!("{free} free on the log's disk; {flushed}; no flush has failed");
    if subject.flush_p99 > Some(limits.flush_time_max) {
        return warn(fact, "writes will take as long here: look at the disk");
    }
    ok(fact)
}

/// P09: the state fits, as it is here and as the primary has it.
pub(super) fn memory(subject: &Subject<'_>) -> Finding {
    let Some(limit) = subject.surroundings.memory_limit else {
        return refused(
            "how much memory this process may use could not be read",
            "check /proc/meminfo",
        );
    };
    let percent = subject.settings.verdict.memory_percent_max;
    let there = subject
        .primary
        .map(|heard| heard.profile.state_memory_bytes);
    let here = subject.own.state_memory_bytes;
    let most = here.max(there.unwrap_or_default());
    let fact = format!(
        "state {} here, {} at the primary; limit {percent} % of {}",
        ByteCount(here),
        there.map_or("not known".to_owned(), |bytes| ByteCount(bytes).to_string()),
        ByteCount(limit)
    );
    let room = u128::from(limit) * u128::from(percent) / 100;
    if u128::from(most) > room {
        warn(fact, "give the process more memory")
    } else {
        ok(fact)
    }
}

/// P13: clients will find this node.
pub(super) fn addresses(subject: &Subject<'_>) -> Finding {
    let addresses = &subject.surroundings.addresses;
    let failed = |address: &&Address| address.failure.is_some();
    let told = addresses.iter().filter(failed).map(|address| {
        let failure = address.failure.as_deref().unwrap_or_default();
        format!("{}: {failure}", address.name)
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        let all = addresses.iter().map(|address| address.name.as_str());
        return ok(format!("bound or free, and resolvable: {}", names(all)));
    }
    refused(
        told.join("; "),
        "free the port, or correct `listen` and `advertise` of what is named",
    )
}

/// P14: others will let this node in, for a while.
pub(super) fn certificates(subject: &Subject<'_>) -> Finding {
    let all = &subject.status.certificates;
    let Some(first) = all.iter().min_by_key(|one| one.seconds_left) else {
        return ok("plain text is spoken, by the configuration");
    };
    let least = subject.settings.verdict.certificate_left_min;
    let left = Duration::from_secs(first.seconds_left.max(0).unsigned_abs());
    let days = |time: Duration| format!("{:.1} d", time.as_secs_f64() / 86_400.0);
    let (name, left_days) = (&first.name, days(left));
    let renew =
        "`understudy cert renew`, and put the file in its place: it is taken while the node runs";
    if left.is_zero() {
        return refused(format!("the certificate `{name}` has expired"), renew);
    }
    let fact = format!(
        "the certificate `{name}` is valid for {left_days} (at least {})",
        days(least)
    );
    if left < least {
        return warn(fact, renew);
    }
    match all.iter().find_map(|one| one.problem.as_ref()) {
        Some(problem) => warn(
            format!("{fact}; changed files are not used: {problem}"),
            "put right what is named",
        ),
        None => ok(fact),
    }
}

/// P19: how far the wall clocks are apart. Nothing rests on that but the
/// expiry of requests, so it never refuses.
pub(super) fn clock(subject: &Subject<'_>) -> Finding {
    let limit = subject.settings.verdict.clock_offset_max;
    let source = subject.primary.map(|heard| heard.source);
    let Some(Source::Heard {
        at,
        clock_offset_millis,
        ..
    }) = source
    else {
        return ok("how far the wall clocks are apart is not known (a diagnosis only)");
    };
    let ago = subject.now.since(at).as_secs_f64();
    let fact = format!(
        "the primary's wall clock was {clock_offset_millis:+} ms from this one {ago:.0} s ago (limit {limit:?}, a diagnosis only)"
    );
    if u128::from(clock_offset_millis.unsigned_abs()) > limit.as_millis() {
        warn(fact, "set the clocks: a request expires by them")
    } else {
        ok(fact)
    }
}
