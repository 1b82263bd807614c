//! The limits of a verdict's checks.

use super::{Checked, within};
use crate::config::raw;
use crate::config::units::Span;
use crate::settings::{StreamSettings, VerdictSettings};
use std::time::Duration;
use understudy_types::ByteCount;

const HEARTBEAT_AGE_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn verdict(
    raw: &raw::VerdictTable,
    stream: &StreamSettings,
) -> Checked<VerdictSettings> {
    let default = VerdictSettings::with_heartbeats(stream.heartbeat_every);
    let time = |given: Option<Span>, default| given.map_or(default, |span| span.0);
    let verdict = VerdictSettings {
        heartbeat_age_max: time(raw.heartbeat_age_max, default.heartbeat_age_max),
        lag_max: time(raw.lag_max, default.lag_max),
        lag_records_max: raw.lag_records_max.unwrap_or(default.lag_records_max),
        disk_free_min: raw
            .disk_free_min
            .map_or(default.disk_free_min, |size| size.0),
        flush_time_max: time(raw.flush_time_max, default.flush_time_max),
        memory_percent_max: raw.memory_percent_max.unwrap_or(default.memory_percent_max),
        cores_percent_min: raw.cores_percent_min.unwrap_or(default.cores_percent_min),
        clock_offset_max: time(raw.clock_offset_max, default.clock_offset_max),
        certificate_left_min: time(raw.certificate_left_min, default.certificate_left_min),
        time_limit: time(raw.time_limit, default.time_limit),
    };
    let (age, every) = (verdict.heartbeat_age_max, stream.heartbeat_every);
    if age < every * 2 || age > HEARTBEAT_AGE_LIMIT {
        return Err(format!(
            "verdict.heartbeat_age_max ({age:?}) must be at least 2 × stream.heartbeat_every ({every:?}) and at most {HEARTBEAT_AGE_LIMIT:?}: change it"
        ));
    }
    for (name, percent) in [
        ("verdict.memory_percent_max", verdict.memory_percent_max),
        ("verdict.cores_percent_min", verdict.cores_percent_min),
    ] {
        if !(1..=100).contains(&percent) {
            return Err(format!("{name} ({percent}) must be between 1 and 100"));
        }
    }
    for (name, value) in [
        ("verdict.lag_max", verdict.lag_max),
        ("verdict.flush_time_max", verdict.flush_time_max),
        ("verdict.clock_offset_max", verdict.clock_offset_max),
    ] {
        if value.is_zero() {
            return Err(format!("{name} must be greater than zero"));
        }
    }
    within(
        "verdict.disk_free_min",
        verdict.disk_free_min,
        ByteCount::mib(1),
        ByteCount(1 << 50),
    )?;
    let limit = verdict.time_limit;
    if !(Duration::from_millis(10)..=Duration::from_secs(1)).contains(&limit) {
        return Err(format!(
            "verdict.time_limit ({limit:?}) must be between 10ms and 1s: an operator waits for it"
        ));
    }
    Ok(verdict)
}
