//! What a node is started with: valid by construction, made from the
//! configuration file, the flags and the environment by [`crate::config`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use understudy_protocol::control::Failsafe;
use understudy_protocol::control::HookPhase;
use understudy_protocol::{AckPolicy, FailoverPolicy, Timing};
use understudy_tls::{ClientTlsFiles, TlsFiles};
use understudy_types::{ByteCount, NodeId, ShardName};

#[derive(Clone, Debug)]
pub struct Settings {
    pub cluster_name: String,
    pub node: NodeId,
    /// The data root.
    pub data: PathBuf,
    pub ack_policy: AckPolicy,
    pub failover: FailoverPolicy,
    pub failsafe: Failsafe,
    pub timing: Timing,
    pub replication: Endpoint,
    pub console: Endpoint,
    /// At least one, names unique.
    pub shards: Vec<ShardSettings>,
    pub log: LogSettings,
    pub stream: StreamSettings,
    pub limits: Limits,
    pub verdict: VerdictSettings,
    pub secrets: SecretDigests,
    pub hooks: HookSettings,
    pub page: PageSettings,
    /// What this node proves to others with; none where plain text is spoken.
    pub tls: Option<TlsFiles>,
    /// What the shards' clients are shown; none where plain text is spoken.
    pub client_tls: Option<ClientTlsFiles>,
}

/// The operator's page, which the console serves.
#[derive(Clone, Debug, Default)]
pub struct PageSettings {
    /// Replication addresses of the other nodes, `host:port`.
    pub peers: Vec<String>,
    /// Lists of people and their tokens; only the console reads them.
    pub viewers_file: Option<PathBuf>,
    pub operators_file: Option<PathBuf>,
}

/// The operator's commands around a promotion of this node.
#[derive(Clone, Debug, Default)]
pub struct HookSettings {
    pub before_promotion: Option<HookCommand>,
    pub after_promotion: Option<HookCommand>,
}

#[derive(Clone, Debug)]
pub struct HookCommand {
    /// The program, then its arguments. Not empty.
    pub command: Vec<String>,
    /// When it, and all that it started, is killed.
    pub timeout: Duration,
}

impl HookSettings {
    /// For which there is a command.
    pub(crate) fn phases(&self) -> BTreeSet<HookPhase> {
        let before = self.before_promotion.as_ref();
        let after = self.after_promotion.as_ref();
        let before = before.map(|_| HookPhase::BeforePromotion);
        before
            .into_iter()
            .chain(after.map(|_| HookPhase::AfterPromotion))
            .collect()
    }
}

/// The thresholds of the verdict on a promotion.
#[derive(Clone, Debug)]
pub struct VerdictSettings {
    /// How old the last heartbeat may be.
    pub heartbeat_age_max: Duration,
    /// How far behind a switchover's target may be, in time and in records.
    pub lag_max: Duration,
    pub lag_records_max: u64,
    /// Below this the log's disk is too full for a primary.
    pub disk_free_min: ByteCount,
    /// Flushes that take longer, one in a hundred, are a warning.
    pub flush_time_max: Duration,
    /// How much of the memory that this process may use the state may take.
    pub memory_percent_max: u8,
    /// How many of the primary's cores this node should have.
    pub cores_percent_min: u8,
    /// How far the two wall clocks may be apart. A diagnosis: nothing rests
    /// on them but the expiry of requests.
    pub clock_offset_max: Duration,
    /// For how long certificates should still be valid.
    pub certificate_left_min: Duration,
    /// The longest that looking at addresses, or asking the primary, may take.
    pub time_limit: Duration,
}

/// Digests of the secrets in the configuration, by the name of the field.
/// The secrets themselves never leave the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretDigests(pub(crate) BTreeMap<String, String>);

impl SecretDigests {
    /// Two nodes of one cluster find the same digest for the same secret.
    pub(crate) fn insert(&mut self, cluster_name: &str, field: &str, secret: &str) {
        let mut hasher = blake3::Hasher::new_derive_key("understudy secret parity v1");
        for part in [cluster_name, field, secret] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let digest = hasher.finalize().to_hex().to_string();
        self.0.insert(field.to_owned(), digest);
    }
}

/// Where a service listens, and how others reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub listen: SocketAddr,
    /// `host:port`.
    pub advertise: String,
}

#[derive(Clone, Debug)]
pub struct ShardSettings {
    pub name: ShardName,
    pub clients: Endpoint,
}

#[derive(Clone, Debug)]
pub struct LogSettings {
    pub segment_size: ByteCount,
    /// Flushed batches that are kept in memory for standbys, per shard.
    pub tail_memory: ByteCount,
    /// The largest batch that one flush writes.
    pub batch_bytes_max: ByteCount,
    /// Bytes per second, per shard, at which old segments are verified in the
    /// background; `None` when they are not.
    pub scrub_rate: Option<ByteCount>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Zstd,
}

#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// How often the log thread makes a heartbeat.
    pub heartbeat_every: Duration,
    /// How batches go over the wire to a standby that understands it.
    pub compression: Compression,
    /// Bytes per second of all streams of this node together.
    pub bandwidth_max: Option<ByteCount>,
    /// HTTP/2 window of one replication stream: at least bandwidth × delay.
    pub window: ByteCount,
    /// Bytes that a standby holds between the stream and its log.
    pub intake_memory: ByteCount,
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// Commands under way at once, per shard.
    pub commands_max: usize,
    /// Bytes of commands under way at once, per shard.
    pub bytes_max: ByteCount,
    /// The largest command.
    pub command_bytes_max: ByteCount,
    /// How long a proposal may wait for its answer.
    pub request_timeout: Duration,
    /// Threads that serve clients, per shard.
    pub client_threads: NonZeroUsize,
    /// How long a client's call is held while there is no primary.
    pub hold: Duration,
}

/// The largest window that HTTP/2 knows.
const WINDOW_MAX: u64 = (1 << 31) - 1;

impl StreamSettings {
    pub(crate) fn window_of_stream(&self) -> u32 {
        self.window.get().min(WINDOW_MAX) as u32
    }

    /// Room for two streams at full window on one connection.
    pub(crate) fn window_of_connection(&self) -> u32 {
        (self.window.get().saturating_mul(2)).min(WINDOW_MAX) as u32
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings {
            segment_size: ByteCount::mib(64),
            tail_memory: ByteCount::mib(32),
            batch_bytes_max: ByteCount::mib(1),
            scrub_rate: Some(ByteCount::mib(1)),
        }
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        StreamSettings {
            heartbeat_every: Duration::from_millis(500),
            compression: Compression::None,
            bandwidth_max: None,
            window: ByteCount::mib(16),
            intake_memory: ByteCount::mib(32),
        }
    }
}

impl VerdictSettings {
    /// What is not configured.
    pub fn with_heartbeats(every: Duration) -> VerdictSettings {
        VerdictSettings {
            heartbeat_age_max: every * 4,
            lag_max: Duration::from_secs(1),
            lag_records_max: 10_000,
            disk_free_min: ByteCount::mib(256),
            flush_time_max: Duration::from_millis(500),
            memory_percent_max: 50,
            cores_percent_min: 50,
            clock_offset_max: Duration::from_secs(1),
            certificate_left_min: Duration::from_secs(7 * 86_400),
            time_limit: Duration::from_millis(150),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            commands_max: 16_384,
            bytes_max: ByteCount::mib(64),
            command_bytes_max: ByteCount::mib(2),
            request_timeout: Duration::from_secs(7),
            client_threads: half_the_cores(),
            hold: Duration::from_secs(5),
        }
    }
}

/// The other half is for the log, the state and the standby's stream.
fn half_the_cores() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
}
