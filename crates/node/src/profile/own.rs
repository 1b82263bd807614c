//! This node's own profile.

use super::{Holder, NodeProfile, Proofs};
use crate::settings::Settings;
use crate::status::Status;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;
use understudy_protocol::{AckPolicy, FailoverPolicy};
use understudy_types::lsn_value;

pub(crate) fn own(
    settings: &Settings,
    status: &Status,
    proofs: Proofs,
    wall_millis: u64,
) -> NodeProfile {
    let standbys = status.standbys.iter().map(|standby| {
        let flushed = standby.flushed.iter().map(|(shard, position)| {
            let lsn = position.map(|position| position.lsn);
            (shard.clone(), lsn_value(lsn))
        });
        (standby.node.clone(), flushed.collect())
    });
    NodeProfile {
        node: settings.node.clone(),
        version: status.version.clone(),
        cores: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        state_memory_bytes: status.shards.values().map(|s| s.state_memory_bytes).sum(),
        wall_millis,
        settings: shared_settings(settings),
        secrets: settings.secrets.0.clone(),
        maintenance: status.maintenance.is_some(),
        standbys: standbys.collect(),
        proofs: Some(proofs),
        holder: holder(status),
    }
}

fn holder(status: &Status) -> Option<Holder> {
    let lease = status.lease.as_ref()?;
    Some(Holder {
        node: lease.holder.clone()?,
        address: lease.holder_replication.clone()?,
    })
}

/// Fields whose difference changes what clients or operators see after a
/// promotion. Names, addresses and paths are a node's own.
pub(crate) fn shared_settings(settings: &Settings) -> BTreeMap<String, String> {
    let mut shards: Vec<&str> = settings.shards.iter().map(|s| s.name.as_str()).collect();
    shards.sort_unstable();
    let (timing, limits) = (&settings.timing, &settings.limits);
    let (log, stream) = (&settings.log, &settings.stream);
    let time = |time: Duration| format!("{time:?}");
    let policy = match settings.ack_policy {
        AckPolicy::Local => "local",
        AckPolicy::Replicated => "replicated",
    };
    let failover = match settings.failover {
        FailoverPolicy::Manual => "manual".to_owned(),
        FailoverPolicy::Automatic { hold_off } => format!("automatic after {hold_off:?}"),
    };
    let fields = [
        ("shard.name", shards.join(", ")),
        ("ack_policy", policy.to_owned()),
        ("failover", failover),
        (
            "failsafe",
            format!("{:?}", settings.failsafe).to_lowercase(),
        ),
        ("lease.ttl", time(timing.ttl)),
        ("lease.margin", time(timing.margin)),
        ("lease.renew_every", time(timing.renew_every)),
        ("lease.poll_every", time(timing.poll_every)),
        ("lease.attempt_timeout", time(timing.attempt_timeout)),
        ("handover.timeout", time(timing.handover_timeout)),
        ("standby.timeout", time(timing.standby_timeout)),
        ("log.segment_size", log.segment_size.to_string()),
        ("log.tail_memory", log.tail_memory.to_string()),
        ("log.batch_bytes_max", log.batch_bytes_max.to_string()),
        ("stream.heartbeat_every", time(stream.heartbeat_every)),
        ("stream.window", stream.window.to_string()),
        ("stream.intake_memory", stream.intake_memory.to_string()),
        (
            "stream.compression",
            format!("{:?}", stream.compression).to_lowercase(),
        ),
        (
            "stream.bandwidth_max",
            stream
                .bandwidth_max
                .map_or("none".to_owned(), |rate| rate.to_string()),
        ),
        ("limits.commands_max", limits.commands_max.to_string()),
        ("limits.bytes_max", limits.bytes_max.to_string()),
        (
            "limits.command_bytes_max",
            limits.command_bytes_max.to_string(),
        ),
        ("limits.request_timeout", time(limits.request_timeout)),
        ("limits.hold", time(limits.hold)),
    ];
    let named = fields.map(|(field, value)| (field.to_owned(), value));
    named.into_iter().collect()
}
