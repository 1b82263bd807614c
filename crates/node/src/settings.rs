//! What a node is started with: valid by construction, made from the
//! configuration file, the flags and the environment by [`crate::config`].

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use understudy_protocol::{AckPolicy, FailoverPolicy, Timing};
use understudy_types::{ByteCount, NodeId, ShardName};

#[derive(Clone, Debug)]
pub struct Settings {
    pub cluster_name: String,
    pub node: NodeId,
    /// The data root.
    pub data: PathBuf,
    pub ack_policy: AckPolicy,
    pub failover: FailoverPolicy,
    pub timing: Timing,
    pub replication: Endpoint,
    pub console: Endpoint,
    /// At least one, names unique.
    pub shards: Vec<ShardSettings>,
    pub log: LogSettings,
    pub stream: StreamSettings,
    pub limits: Limits,
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

#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// How often the log thread makes a heartbeat.
    pub heartbeat_every: Duration,
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
            window: ByteCount::mib(16),
            intake_memory: ByteCount::mib(32),
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
