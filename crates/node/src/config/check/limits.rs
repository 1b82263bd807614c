//! What clients may ask for.

use super::{Checked, within};
use crate::config::raw;
use crate::settings::{Limits, LogSettings};
use std::num::NonZeroUsize;
use understudy_log::MAX_BATCH_BYTES;
use understudy_types::ByteCount;

const CLIENT_THREADS_MAX: usize = 256;

pub(super) fn limits(raw: &raw::LimitsTable, log: &LogSettings) -> Checked<Limits> {
    let default = Limits::default();
    let limits = Limits {
        commands_max: raw.commands_max.unwrap_or(default.commands_max),
        bytes_max: raw.bytes_max.map_or(default.bytes_max, |size| size.0),
        command_bytes_max: raw
            .command_bytes_max
            .map_or(default.command_bytes_max, |size| size.0),
        request_timeout: raw
            .request_timeout
            .map_or(default.request_timeout, |span| span.0),
        client_threads: client_threads(raw.client_threads, default.client_threads)?,
        hold: raw.hold.map_or(default.hold, |span| span.0),
    };
    if limits.commands_max == 0 {
        return Err("limits.commands_max must be at least 1".to_owned());
    }
    let largest = ByteCount(MAX_BATCH_BYTES as u64 / 2);
    within(
        "limits.command_bytes_max",
        limits.command_bytes_max,
        ByteCount::kib(1),
        largest,
    )?;
    if limits.bytes_max < limits.command_bytes_max || limits.bytes_max < log.batch_bytes_max {
        return Err(format!(
            "limits.bytes_max ({}) must be at least limits.command_bytes_max ({}) and log.batch_bytes_max ({}): raise it",
            limits.bytes_max, limits.command_bytes_max, log.batch_bytes_max
        ));
    }
    within(
        "limits.bytes_max",
        limits.bytes_max,
        ByteCount::kib(1),
        ByteCount(u64::from(u32::MAX)),
    )?;
    if limits.request_timeout.is_zero() || limits.hold > limits.request_timeout {
        return Err(format!(
            "limits.hold ({:?}) must not exceed limits.request_timeout ({:?}): lower the first or raise the second",
            limits.hold, limits.request_timeout
        ));
    }
    Ok(limits)
}

fn client_threads(given: Option<usize>, default: NonZeroUsize) -> Checked<NonZeroUsize> {
    let threads = given.map_or(Some(default), NonZeroUsize::new);
    threads
        .filter(|threads| threads.get() <= CLIENT_THREADS_MAX)
        .ok_or_else(|| format!("limits.client_threads must be between 1 and {CLIENT_THREADS_MAX}"))
}
