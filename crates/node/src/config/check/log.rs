//! The log's sizes and rates.

use super::{Checked, within};
use crate::config::raw;
use crate::config::units::Size;
use crate::settings::LogSettings;
use understudy_log::MAX_BATCH_BYTES;
use understudy_types::ByteCount;

pub(super) fn log(raw: &raw::Log) -> Checked<LogSettings> {
    let default = LogSettings::default();
    let log = LogSettings {
        segment_size: raw.segment_size.map_or(default.segment_size, |size| size.0),
        tail_memory: raw.tail_memory.map_or(default.tail_memory, |size| size.0),
        batch_bytes_max: raw
            .batch_bytes_max
            .map_or(default.batch_bytes_max, |size| size.0),
        scrub_rate: match raw.scrub_rate {
            Some(Size(ByteCount(0))) => None,
            given => given.map(|size| size.0).or(default.scrub_rate),
        },
    };
    if let Some(rate) = log.scrub_rate {
        within(
            "log.scrub_rate",
            rate,
            ByteCount::kib(64),
            ByteCount::mib(1024),
        )?;
    }
    within(
        "log.segment_size",
        log.segment_size,
        ByteCount::mib(1),
        ByteCount::mib(4096),
    )?;
    within(
        "log.tail_memory",
        log.tail_memory,
        ByteCount::mib(1),
        ByteCount::mib(65_536),
    )?;
    let batch_limit = ByteCount(MAX_BATCH_BYTES as u64 / 2);
    within(
        "log.batch_bytes_max",
        log.batch_bytes_max,
        ByteCount::kib(64),
        batch_limit,
    )?;
    if log.batch_bytes_max > log.segment_size {
        return Err(format!(
            "log.batch_bytes_max ({}) must not exceed log.segment_size ({}): lower the first or raise the second",
            log.batch_bytes_max, log.segment_size
        ));
    }
    Ok(log)
}
