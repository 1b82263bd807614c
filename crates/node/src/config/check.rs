//! From the file to settings: defaults, and every relation between values.

use super::raw::{self, CompressionWord, FailoverWord, FailsafeWord, File};
use super::units::{Size, Span};
use super::{Configuration, StoreSettings, security};
use crate::settings::{
    Compression, Endpoint, HookCommand, HookSettings, Limits, LogSettings, PageSettings,
    SecretDigests, Settings, ShardSettings, StreamSettings, VerdictSettings,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use understudy_log::MAX_BATCH_BYTES;
use understudy_protocol::control::Failsafe;
use understudy_protocol::{AckPolicy, FailoverPolicy, Timing};
use understudy_types::{ByteCount, ShardName};

const REPLICATION_PORT: u16 = 2390;
const CONSOLE_PORT: u16 = 2391;
const CLIENT_THREADS_MAX: usize = 256;
const HOOK_TIMEOUT: Duration = Duration::from_secs(5);
const HOOK_TIMEOUT_MAX: Duration = Duration::from_secs(45);
const HEARTBEAT_AGE_LIMIT: Duration = Duration::from_secs(60);

type Checked<T> = Result<T, String>;

/// Everything is checked here, and nothing needs to be checked again.
pub(super) fn checked(file: File, directory: &Path) -> Checked<Configuration> {
    check_cluster(&file.cluster)?;
    let timing = timing(&file)?;
    let failover = failover(&file, &timing)?;
    let store = store(&file.store, &timing)?;
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let replication = endpoint(
        "replication",
        file.listen
            .replication
            .unwrap_or(loopback(REPLICATION_PORT)),
        file.advertise.replication,
    )?;
    let console = endpoint(
        "console",
        file.listen.console.unwrap_or(loopback(CONSOLE_PORT)),
        file.advertise.console,
    )?;
    let shards = shards(file.shard)?;
    check_addresses(&replication, &console, &shards)?;
    let log = log(&file.log)?;
    let limits = limits(&file.limits, &log)?;
    let stream = stream(&file.stream, &timing, &log)?;
    let verdict = verdict(&file.verdict, &stream)?;
    let secrets = secrets(&file.cluster, &store);
    let hooks = HookSettings {
        before_promotion: hook("before_promotion", file.hooks.before_promotion)?,
        after_promotion: hook("after_promotion", file.hooks.after_promotion)?,
    };
    let page = page(file.console, directory)?;
    let tls = security::tls(&file.tls, directory)?;
    let client_tls = security::client_tls(file.client_tls, directory);
    let services = security::Services {
        replication: &replication,
        console: &console,
        shards: &shards,
        tls: tls.as_ref(),
        client_tls: client_tls.as_ref(),
    };
    security::check_relay(&services)?;
    security::check_plaintext(&services, file.tls.plaintext.as_deref().unwrap_or_default())?;
    let settings = Settings {
        cluster_name: file.cluster,
        node: file.node,
        data: directory.join(file.data),
        ack_policy: file.ack_policy.unwrap_or(AckPolicy::Local),
        failover,
        failsafe: match file.failsafe {
            Some(FailsafeWord::On) => Failsafe::On,
            Some(FailsafeWord::Off) | None => Failsafe::Off,
        },
        timing,
        replication,
        console,
        shards,
        log,
        stream,
        limits,
        verdict,
        secrets,
        hooks,
        page,
        tls,
        client_tls,
    };
    Ok(Configuration { settings, store })
}

fn check_cluster(name: &str) -> Checked<()> {
    match name.parse::<ShardName>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cluster: {error}")),
    }
}

/// What is not given follows from `lease.ttl`, so that one number is enough.
fn timing(file: &File) -> Checked<Timing> {
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

fn failover(file: &File, timing: &Timing) -> Checked<FailoverPolicy> {
    let hold_off = file.automatic.hold_off.map(|span| span.0);
    match file.failover {
        Some(FailoverWord::Automatic) => {
            FailoverPolicy::automatic(hold_off, timing).map_err(|error| error.to_string())
        }
        Some(FailoverWord::Manual) | None => Ok(FailoverPolicy::Manual),
    }
}

fn store(store: &raw::Store, timing: &Timing) -> Checked<StoreSettings> {
    if store.bucket.is_empty() {
        return Err("store.bucket is empty: name the bucket".to_owned());
    }
    let prefix = store.prefix.clone().unwrap_or_default();
    if prefix.starts_with('/') || prefix.ends_with('/') {
        return Err(format!(
            "store.prefix ({prefix:?}) must not begin or end with a slash: leave the slashes out"
        ));
    }
    if store.region.is_none() && store.endpoint.is_none() {
        return Err("store.region is missing: set it to the bucket's region, or set store.endpoint for a store that is not AWS".to_owned());
    }
    let keys = match (&store.access_key, &store.secret_key) {
        (Some(access), Some(secret)) => Some((access.clone(), secret.clone())),
        (None, None) => None,
        (Some(_), None) => return Err("store.access_key is given without store.secret_key: give both, or neither to use the environment's credentials".to_owned()),
        (None, Some(_)) => return Err("store.secret_key is given without store.access_key: give both, or neither to use the environment's credentials".to_owned()),
    };
    Ok(StoreSettings {
        bucket: store.bucket.clone(),
        prefix,
        endpoint: store.endpoint.clone(),
        region: store
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".to_owned()),
        path_style: store.path_style.unwrap_or(store.endpoint.is_some()),
        keys,
        attempt_timeout: timing.attempt_timeout,
    })
}

fn endpoint(name: &str, listen: SocketAddr, advertise: Option<String>) -> Checked<Endpoint> {
    let advertise = match advertise {
        Some(address) => {
            check_host_and_port(name, &address)?;
            address
        }
        None if listen.ip().is_unspecified() => {
            return Err(format!(
                "{name} listens on every address ({listen}), so others cannot know how to reach it: give its advertise as \"HOST:PORT\""
            ));
        }
        None => listen.to_string(),
    };
    Ok(Endpoint { listen, advertise })
}

fn check_host_and_port(name: &str, address: &str) -> Checked<()> {
    let sound = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if sound {
        Ok(())
    } else {
        Err(format!(
            "{name}'s advertise ({address:?}) is not HOST:PORT: write it without scheme and path"
        ))
    }
}

fn shards(raw: Vec<raw::Shard>) -> Checked<Vec<ShardSettings>> {
    if raw.is_empty() {
        return Err("there is no [[shard]]: add one, with a name and the address where its clients are served (listen)".to_owned());
    }
    let mut shards: Vec<ShardSettings> = Vec::with_capacity(raw.len());
    for raw::Shard {
        name,
        listen,
        advertise,
    } in raw
    {
        if shards.iter().any(|shard| shard.name == name) {
            return Err(format!("two [[shard]] are named {name:?}: rename one"));
        }
        let clients = endpoint(&format!("shard {name}"), listen, advertise)?;
        shards.push(ShardSettings { name, clients });
    }
    Ok(shards)
}

fn check_addresses(
    replication: &Endpoint,
    console: &Endpoint,
    shards: &[ShardSettings],
) -> Checked<()> {
    let named = [
        ("listen.replication".to_owned(), replication),
        ("listen.console".to_owned(), console),
    ];
    let clients = shards
        .iter()
        .map(|shard| (format!("shard {}", shard.name), &shard.clients));
    let mut taken: BTreeMap<SocketAddr, String> = BTreeMap::new();
    for (name, endpoint) in named.into_iter().chain(clients) {
        if endpoint.listen.port() == 0 {
            return Err(format!(
                "{name} listens on port 0, which nobody could find: give a port"
            ));
        }
        if let Some(other) = taken.insert(endpoint.listen, name.clone()) {
            return Err(format!(
                "{other} and {name} both listen on {}: change one",
                endpoint.listen
            ));
        }
    }
    Ok(())
}

fn log(raw: &raw::Log) -> Checked<LogSettings> {
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

fn stream(raw: &raw::Stream, timing: &Timing, log: &LogSettings) -> Checked<StreamSettings> {
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

fn limits(raw: &raw::LimitsTable, log: &LogSettings) -> Checked<Limits> {
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

fn verdict(raw: &raw::VerdictTable, stream: &StreamSettings) -> Checked<VerdictSettings> {
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

fn page(raw: raw::Console, directory: &Path) -> Checked<PageSettings> {
    let peers = raw.peers.unwrap_or_default();
    for address in &peers {
        check_host_and_port("console.peers", address)?;
    }
    let file = |name: Option<PathBuf>| name.map(|name| directory.join(name));
    Ok(PageSettings {
        peers,
        viewers_file: file(raw.viewers_file),
        operators_file: file(raw.operators_file),
    })
}

fn hook(name: &str, raw: Option<raw::Hook>) -> Checked<Option<HookCommand>> {
    let Some(raw::Hook { command, timeout }) = raw else {
        return Ok(None);
    };
    if command.first().is_none_or(|program| program.is_empty()) {
        return Err(format!(
            "hooks.{name}.command names no program: give a list, the program first"
        ));
    }
    let timeout = timeout.map_or(HOOK_TIMEOUT, |span| span.0);
    if timeout.is_zero() || timeout > HOOK_TIMEOUT_MAX {
        return Err(format!(
            "hooks.{name}.timeout ({timeout:?}) must be more than 0 and at most {HOOK_TIMEOUT_MAX:?}: a request is void a minute after it was made"
        ));
    }
    Ok(Some(HookCommand { command, timeout }))
}

fn secrets(cluster_name: &str, store: &StoreSettings) -> SecretDigests {
    let mut digests = SecretDigests::default();
    if let Some((access, secret)) = &store.keys {
        digests.insert(cluster_name, "store.access_key", access);
        digests.insert(cluster_name, "store.secret_key", secret);
    }
    digests
}

fn client_threads(given: Option<usize>, default: NonZeroUsize) -> Checked<NonZeroUsize> {
    let threads = given.map_or(Some(default), NonZeroUsize::new);
    threads
        .filter(|threads| threads.get() <= CLIENT_THREADS_MAX)
        .ok_or_else(|| format!("limits.client_threads must be between 1 and {CLIENT_THREADS_MAX}"))
}

fn within(name: &str, value: ByteCount, low: ByteCount, high: ByteCount) -> Checked<()> {
    if value < low || value > high {
        return Err(format!("{name} ({value}) must be between {low} and {high}"));
    }
    Ok(())
}
