//! The file as written: every field of docs/configuration.md, nothing else.
//! What is absent here gets its default in `check`.

use super::units::{Size, Span};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use understudy_protocol::AckPolicy;
use understudy_types::{NodeId, ShardName};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) cluster: String,
    pub(super) node: NodeId,
    pub(super) data: PathBuf,
    pub(super) ack_policy: Option<AckPolicy>,
    pub(super) failover: Option<FailoverWord>,
    pub(super) failsafe: Option<FailsafeWord>,
    pub(super) store: Store,
    #[serde(default)]
    pub(super) listen: Listen,
    #[serde(default)]
    pub(super) advertise: Advertise,
    #[serde(default)]
    pub(super) shard: Vec<Shard>,
    #[serde(default)]
    pub(super) lease: Lease,
    #[serde(default)]
    pub(super) handover: Handover,
    #[serde(default)]
    pub(super) automatic: Automatic,
    #[serde(default)]
    pub(super) standby: Standby,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) stream: Stream,
    #[serde(default)]
    pub(super) limits: LimitsTable,
    #[serde(default)]
    pub(super) verdict: VerdictTable,
    #[serde(default)]
    pub(super) hooks: Hooks,
    #[serde(default)]
    pub(super) console: Console,
    #[serde(default)]
    pub(super) tls: Tls,
    pub(super) client_tls: Option<ClientTls>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Console {
    pub(super) peers: Option<Vec<String>>,
    pub(super) viewers_file: Option<PathBuf>,
    pub(super) operators_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) bucket: String,
    pub(super) prefix: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) path_style: Option<bool>,
    pub(super) access_key: Option<String>,
    pub(super) secret_key: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) replication: Option<SocketAddr>,
    pub(super) console: Option<SocketAddr>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advertise {
    pub(super) replication: Option<String>,
    pub(super) console: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shard {
    pub(super) name: ShardName,
    pub(super) listen: SocketAddr,
    pub(super) advertise: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lease {
    pub(super) ttl: Option<Span>,
    pub(super) margin: Option<Span>,
    pub(super) renew_every: Option<Span>,
    pub(super) poll_every: Option<Span>,
    pub(super) attempt_timeout: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handover {
    pub(super) timeout: Option<Span>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailoverWord {
    Manual,
    Automatic,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailsafeWord {
    Off,
    On,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Automatic {
    pub(super) hold_off: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standby {
    pub(super) timeout: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) segment_size: Option<Size>,
    pub(super) tail_memory: Option<Size>,
    pub(super) batch_bytes_max: Option<Size>,
    pub(super) scrub_rate: Option<Size>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stream {
    pub(super) heartbeat_every: Option<Span>,
    pub(super) window: Option<Size>,
    pub(super) intake_memory: Option<Size>,
    pub(super) compression: Option<CompressionWord>,
    pub(super) bandwidth_max: Option<Size>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CompressionWord {
    None,
    Zstd,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub(super) commands_max: Option<usize>,
    pub(super) bytes_max: Option<Size>,
    pub(super) command_bytes_max: Option<Size>,
    pub(super) request_timeout: Option<Span>,
    pub(super) client_threads: Option<usize>,
    pub(super) hold: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictTable {
    pub(super) heartbeat_age_max: Option<Span>,
    pub(super) lag_max: Option<Span>,
    pub(super) lag_records_max: Option<u64>,
    pub(super) disk_free_min: Option<Size>,
    pub(super) flush_time_max: Option<Span>,
    pub(super) memory_percent_max: Option<u8>,
    pub(super) cores_percent_min: Option<u8>,
    pub(super) clock_offset_max: Option<Span>,
    pub(super) certificate_left_min: Option<Span>,
    pub(super) time_limit: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hooks {
    pub(super) before_promotion: Option<Hook>,
    pub(super) after_promotion: Option<Hook>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hook {
    pub(super) command: Vec<String>,
    pub(super) timeout: Option<Span>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) plaintext: Option<Vec<Service>>,
}

/// What listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Service {
    Replication,
    Clients,
    Console,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTls {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: Option<PathBuf>,
}
