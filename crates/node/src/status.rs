//! A node's view of the pair, as `Admin.Status` gives it in JSON.
//!
//! What is not known is absent (`null`), never zero. Ages and durations are
//! seconds, computed when the status is asked for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_protocol::control::{AckHome, HookPhase};
use understudy_protocol::{AckPolicy, LossBound, Override, WithoutStore};
use understudy_types::{ClusterId, DataId, Epoch, NodeId, Position, ShardName};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub node: NodeId,
    pub data_id: DataId,
    pub cluster: ClusterId,
    pub cluster_name: String,
    pub version: String,
    /// A [`understudy_protocol::RoleName`] in its own spelling.
    pub role: String,
    /// The highest epoch that this node has promised.
    pub promised_epoch: Epoch,
    pub ack_policy: AckPolicy,
    /// `manual` or `automatic`: whether this node may ask for a failover.
    #[serde(default)]
    pub failover: String,
    /// `off` or `on`: whether this node, as primary, goes on without the store
    /// by the word of all that could take its place.
    #[serde(default)]
    pub failsafe: String,
    /// On a primary: it does so now.
    #[serde(default)]
    pub goes_on_by_word: bool,
    /// How long an automatic one waits over a lease that has run out.
    pub hold_off_seconds: Option<f64>,
    pub uptime_seconds: f64,
    pub lease: Option<LeaseStatus>,
    pub shards: BTreeMap<ShardName, ShardStatus>,
    /// A standby's stream; absent on a primary.
    pub stream: Option<StreamStatus>,
    /// A primary's standbys; a registered one stays while it is away.
    pub standbys: Vec<StandbyStatus>,
    /// What a failover to this node may lose now; absent on a primary.
    pub loss_bound: Option<LossBound>,
    pub disk_free_bytes: Option<u64>,
    /// The last hook that ended, since this process started.
    #[serde(default)]
    pub last_hook: Option<HookRecord>,
    /// What this node proves with; empty where plain text is spoken.
    #[serde(default)]
    pub certificates: Vec<CertificateStatus>,
    /// Connections that were not let in, since the start.
    #[serde(default)]
    pub connections_refused: u64,
    /// Batches that were sent to standbys, since the start.
    #[serde(default)]
    pub sent: SentStatus,
    /// An operator said that this node refuses writes.
    #[serde(default)]
    pub maintenance: Option<MaintenanceStatus>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentStatus {
    pub canonical_bytes: u64,
    /// The same on the wire, where they may be compressed.
    pub wire_bytes: u64,
}

/// A certificate in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatus {
    /// `node`, `authority` or `clients`.
    pub name: String,
    pub holder: String,
    pub expires_at_unix: i64,
    /// Negative once it has expired.
    pub seconds_left: i64,
    /// Why the files as they are now are not used.
    pub problem: Option<String>,
}

/// Who put a node into maintenance, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceStatus {
    /// By that node's wall clock.
    pub since_wall_millis: u64,
    pub by: String,
    pub reason: String,
}

impl Status {
    pub fn is_primary(&self) -> bool {
        self.role == "primary"
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaseStatus {
    pub epoch: Epoch,
    /// `held`, `claimed` or `released`.
    pub state: String,
    pub holder: Option<NodeId>,
    pub holder_replication: Option<String>,
    pub ttl_seconds: f64,
    /// Since this object was first seen here.
    pub seen_seconds_ago: f64,
    /// Since the store last answered about the lease.
    pub store_answered_seconds_ago: Option<f64>,
    /// On the holder: until it must be silent. Negative once that has passed.
    pub remaining_seconds: Option<f64>,
    pub in_sync: Vec<NodeId>,
    pub ack_policy: AckPolicy,
    /// Where acknowledged writes are, beside the holder's own disk.
    #[serde(default)]
    pub ack_home: Option<AckHome>,
    pub handover_to: Option<NodeId>,
    /// The epoch that an automatic failover took and no operator has
    /// acknowledged: until then there is no other one.
    pub unacknowledged_epoch: Option<Epoch>,
    /// Present while the lease stands in no object store: it was given up, and
    /// what is acknowledged is on this node's machine alone.
    #[serde(default)]
    pub without_store: Option<WithoutStore>,
}

impl LeaseStatus {
    /// For people: nobody holds the founding epoch.
    pub fn holder_name(&self) -> &str {
        self.holder.as_ref().map_or("nobody", NodeId::as_str)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShardStatus {
    pub client_address: String,
    /// This node's own watermarks.
    pub flushed: Option<Position>,
    pub committed: Option<u64>,
    pub applied: Option<u64>,
    /// On a standby: the last record that came, proved by the chain.
    #[serde(default)]
    pub received: Option<u64>,
    /// Canonical bytes from the log's beginning up to each watermark.
    #[serde(default)]
    pub received_bytes: Option<u64>,
    pub flushed_bytes: u64,
    #[serde(default)]
    pub applied_bytes: u64,
    pub state_memory_bytes: u64,
    pub state_digest: String,
    /// How often the state was put right since this process started, because
    /// the log was cut below it, or an operator asked.
    #[serde(default)]
    pub state_restored: StateRestored,
    /// Present while the state is being made anew.
    #[serde(default)]
    pub remaking: Option<RemakingStatus>,
    /// A standby's state beside its primary's; absent on a primary.
    pub state: Option<StateStatus>,
    /// A standby's knowledge of its primary.
    pub primary: Option<PrimaryShard>,
    pub lag: Option<Lag>,
    /// A standby's, in a word: see docs/lag.md.
    #[serde(default)]
    pub condition: Option<String>,
    pub quarantined_records: u64,
    /// The object store's slots that hold what was acknowledged; present on a
    /// primary while acknowledgements rest there.
    #[serde(default)]
    pub slots: Option<u64>,
    /// Absent when the scrub is off.
    pub scrub: Option<ScrubStatus>,
    /// How long the last flushes took; absent before the first one.
    #[serde(default)]
    pub flush: Option<FlushStatus>,
}

/// Of the last 256 flushes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct FlushStatus {
    pub p50_seconds: f64,
    pub p99_seconds: f64,
}

/// What the background verification of old segments found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScrubStatus {
    pub rate_bytes: u64,
    /// Of the pass that is under way: what was there when it began, and what
    /// it has verified of that.
    pub pass_bytes: u64,
    pub pass_done_bytes: u64,
    /// Full passes since this process started.
    pub passes: u64,
    pub last_pass_seconds_ago: Option<f64>,
    /// Up to here every record was verified, at the start or since.
    #[serde(default)]
    pub verified: Option<u64>,
    /// What is damaged: file, offset, expected, found. Stays until a restart.
    pub damage: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct StateRestored {
    /// The newest records were taken back.
    pub rolled_back: u64,
    /// It was made from the log's first record.
    pub made_anew: u64,
}

/// Records of the log that are in a new state, and how many there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemakingStatus {
    pub records_done: u64,
    pub records_total: u64,
}

/// How a standby's state compares with its primary's, since it was made from
/// the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StateStatus {
    /// `equal`, `diverged`, or `unknown` while nothing was compared.
    pub outcome: String,
    /// Where it was found: of a diverged state, the first difference.
    pub lsn: Option<u64>,
    /// Since the primary's word was heard that showed it.
    pub seconds_ago: Option<f64>,
    /// Both digests there, of a diverged state.
    pub digest: Option<String>,
    pub primary_digest: Option<String>,
    /// Differences since this process started.
    pub mismatches: u64,
    /// What the primary said of an Lsn whose digest is not kept here.
    pub not_comparable: u64,
}

/// What the last heartbeat said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrimaryShard {
    pub flushed: Option<Position>,
    pub committed: Option<u64>,
    pub flushed_bytes: u64,
}

/// How far this standby is behind. When `known` is false every number is a
/// lower bound.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lag {
    pub known: bool,
    pub records_received: u64,
    pub records_flushed: u64,
    pub records_applied: u64,
    #[serde(default)]
    pub bytes_received: u64,
    pub bytes_flushed: u64,
    #[serde(default)]
    pub bytes_applied: u64,
    /// How old the oldest record may be that is not received, not flushed,
    /// not applied; grown by silence.
    #[serde(default)]
    pub seconds_received: f64,
    #[serde(default)]
    pub seconds_flushed: f64,
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamStatus {
    /// `streaming`, `connecting`, `silent` or `stopped`.
    pub state: String,
    pub primary: NodeId,
    pub epoch: Epoch,
    pub connected_seconds: Option<f64>,
    pub heartbeat_age_seconds: Option<f64>,
    pub round_trip_seconds: Option<f64>,
    /// Why there is no stream, or why it last ended.
    pub cause: Option<String>,
    /// Of the worst shard: see docs/lag.md.
    #[serde(default)]
    pub condition: Option<String>,
    /// Until all that is known of is applied; absent while that comes no
    /// nearer.
    #[serde(default)]
    pub catchup_seconds: Option<f64>,
    pub reconnects: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StandbyStatus {
    pub node: NodeId,
    pub data_id: DataId,
    pub connected: bool,
    pub in_sync: bool,
    pub last_heard_seconds_ago: Option<f64>,
    /// It says that its state differs from this primary's.
    #[serde(default)]
    pub state_diverged: bool,
    /// Flushed there, per shard.
    pub flushed: BTreeMap<ShardName, Option<Position>>,
    /// Records flushed here and not known to be flushed there.
    pub records_behind: BTreeMap<ShardName, u64>,
}

/// One step of an activation, as `Admin.WatchActivation` streams it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActivationStepRecord {
    /// Since this node first noticed the request.
    pub elapsed_micros: u64,
    pub node: NodeId,
    /// The step's name: `refused`, `accepted`, `holding`, `sealed`,
    /// `confirmed`, `handed_over`, `aborted`, `promised`, `claimed`,
    /// `drained`, `fenced`, `taken`, `serving`, `follows`, `acknowledged`,
    /// `already_done`.
    pub step: String,
    pub detail: String,
}

/// What remains of an activation: kept in the data root under `receipts/`,
/// one file an epoch, and printable with `understudy history`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    pub format: u32,
    pub cluster: ClusterId,
    pub request: String,
    pub mode: String,
    pub by: String,
    pub reason: String,
    pub fenced_by: Option<String>,
    /// Checks of the verdict that refused, and that the operator overrode.
    #[serde(default)]
    pub overrides: Vec<Override>,
    pub node: NodeId,
    pub epoch: Epoch,
    pub lossy: bool,
    pub loss_bound: LossBound,
    /// Each shard's position at which the epoch began.
    pub forks: BTreeMap<ShardName, Option<Position>>,
    /// From the moment this node noticed the request until it served.
    pub rto_micros: u64,
    pub steps: Vec<ActivationStepRecord>,
    /// The operator's commands around it, as far as they have ended.
    #[serde(default)]
    pub hooks: Vec<HookRecord>,
    pub wall_millis: u64,
}

/// How an operator's command around a promotion ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRecord {
    pub phase: HookPhase,
    /// That was to be taken, or was.
    pub epoch: Epoch,
    pub request: Option<String>,
    /// `None`: it has passed.
    pub failure: Option<String>,
    /// What it wrote, up to a limit.
    pub output: String,
    pub took_micros: u64,
}

impl HookRecord {
    /// As the configuration names it.
    pub fn name(&self) -> &'static str {
        match self.phase {
            HookPhase::BeforePromotion => "before_promotion",
            HookPhase::AfterPromotion => "after_promotion",
        }
    }
}

/// The answer of `Admin.Verdict`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    pub node: NodeId,
    pub mode: String,
    /// `ready`, `ready_with_warnings` or `refused`.
    pub outcome: String,
    pub loss_bound: Option<LossBound>,
    pub checks: Vec<VerdictCheck>,
    /// The id of a request that can still act, as far as the node has seen.
    #[serde(default)]
    pub pending_request: Option<String>,
    /// How long the node took to make this verdict.
    #[serde(default)]
    pub took_micros: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerdictCheck {
    /// `P01` and so on; `understudy check` prints them all.
    pub id: String,
    /// `ok`, `warn` or `refused`.
    pub outcome: String,
    pub fact: String,
    /// What to do about it, when it is not ok.
    pub way_out: Option<String>,
    /// Whether `--accept` with this id overrides it when it refuses.
    #[serde(default)]
    pub may_be_accepted: bool,
}
