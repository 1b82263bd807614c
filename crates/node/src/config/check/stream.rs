//! The stream between the nodes.

use super::{Checked, within};
use crate::config::raw::{self, CompressionWord};
use crate::settings::{Compression, LogSettings, StreamSettings};
use std::time::Duration;
use understudy_protocol::Timing;
use understudy_types::ByteCount;

pub(super) fn stream(
    raw: &raw::Stream,
    timing: &Timing,
    log: &LogSettings,
) -> Checked<StreamSettings> {
    let default = StreamSettings::default();
    let stream = StreamSettings {
        heartbeat_every: raw
            .heartbeat_every
            .map_or(default.heartbeat_every, |span| span.0),
        window: raw.window.map_or(default.window, |size| size.0),
        intake_memory: raw
            .intake_memory
            .map_or(default.intake_memory, |size| size.0),
        compression: match raw.compression {
            Some(CompressionWord::Zstd) => Compression::Zstd,
            Some(CompressionWord::None) | None => default.compression,
        },
        bandwidth_max: raw
            .bandwidth_max
            .map(|size| size.0)
            .filter(|rate| rate.get() > 0),
    };
    if let Some(rate) = stream.bandwidth_max {
        within(
            "stream.bandwidth_max",
            rate,
            ByteCount::kib(64),
            ByteCount::mib(65_536),
        )?;
    }
    let every = stream.heartbeat_every;
    if every < Duration::from_millis(10) || every * 2 > timing.standby_timeout {
        return Err(format!(
            "stream.heartbeat_every ({every:?}) must be at least 10ms and at most half of standby.timeout ({:?}), or a healthy standby would look silent: change one of them",
            timing.standby_timeout
        ));
    }
    within(
        "stream.window",
        stream.window,
        ByteCount::kib(64),
        ByteCount::mib(1024),
    )?;
    within(
        "stream.intake_memory",
        stream.intake_memory,
        log.batch_bytes_max,
        ByteCount::mib(65_536),
    )?;
    Ok(stream)
}
