//! Every metric that there is. docs/metrics.md lists the same, by test.

/// How a value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        }
    }
}

#[derive(Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $name:literal $kind:ident [$($label:literal),*] $help:literal)*) => {
        $(pub(super) static $constant: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*
        /// In the order in which they are exposed.
        pub static ALL: &[&Metric] = &[$(&$constant),*];
    };
}

metrics! {
    BUILD_INFO "understudy_build_info" Gauge ["version"] "The running binary; always 1."
    ROLE "understudy_role" Gauge ["role"] "1 for the role that this node has, 0 for the others."
    EPOCH "understudy_epoch" Gauge [] "The epoch of the lease as last seen; absent before it was seen."
    PROMISED_EPOCH "understudy_promised_epoch" Gauge [] "The highest epoch that this node has promised."
    UPTIME "understudy_uptime_seconds" Gauge [] "Since this process started."
    LEASE_VALID "understudy_lease_valid" Gauge [] "1 while this node may answer clients as primary, by its own clock."
    LEASE_REMAINING "understudy_lease_remaining_seconds" Gauge [] "On the holder, until it must be silent; negative after that."
    LEASE_STORE_AGE "understudy_lease_store_answer_age_seconds" Gauge [] "Since the store last answered about the lease."
    STREAM_CONNECTED "understudy_stream_connected" Gauge [] "On a standby: 1 while it streams from a primary that is not silent."
    HEARTBEAT_AGE "understudy_stream_heartbeat_age_seconds" Gauge [] "On a standby: since the last valid heartbeat, at the scrape."
    ROUND_TRIP "understudy_stream_rtt_seconds" Gauge [] "On a standby: the last round trip of the stream."
    RECONNECTS "understudy_stream_reconnects_total" Counter [] "On a standby: how often the stream was opened again."
    POSITION_RECORDS "understudy_position_records" Gauge ["shard", "stage"] "Watermarks in records: primary_durable, received, flushed, committed, applied."
    POSITION_BYTES "understudy_position_bytes" Gauge ["shard", "stage"] "Canonical bytes from the log's beginning: primary_durable, flushed."
    LAG_RECORDS "understudy_lag_records" Gauge ["shard", "stage"] "On a standby: records behind the primary; a lower bound while understudy_lag_known is 0."
    LAG_BYTES "understudy_lag_bytes" Gauge ["shard", "stage"] "On a standby: bytes behind the primary; a lower bound while understudy_lag_known is 0."
    LAG_SECONDS "understudy_lag_seconds" Gauge ["stage"] "On a standby: age of the oldest record not applied, over all shards; a lower bound while understudy_lag_known is 0."
    LAG_KNOWN "understudy_lag_known" Gauge [] "On a standby: 1 while the lag of every shard is known."
    ACK_HOME "understudy_ack_home" Gauge ["home"] "Where acknowledged writes are beside the holder's disk, as the lease says: 1 for one of local, standbys, store, nowhere, 0 for the others."
    WITHOUT_STORE "understudy_without_store" Gauge [] "1 while this node's lease is on its own disk, because the object store was given up; else 0."
    SLOTS "understudy_slots" Gauge ["shard"] "On a primary while acknowledgements rest in the object store: slots that hold them."
    IN_SYNC "understudy_in_sync" Gauge [] "On a standby: 1 while the lease names it in the in-sync set."
    LOSS_BOUND_RECORDS "understudy_loss_bound_records" Gauge [] "On a standby: acknowledged records known to be missing here; +Inf when unknown."
    LOSS_BOUND_SECONDS "understudy_loss_bound_seconds" Gauge [] "On a standby: a failover now loses nothing acknowledged earlier than this; +Inf when unknown."
    REGISTERED "understudy_registered" Gauge ["standby"] "On a primary: 1 for each standby it knows, also while that is away."
    PEER_CONNECTED "understudy_peer_connected" Gauge ["standby"] "On a primary: 1 while the standby streams."
    PEER_IN_SYNC "understudy_peer_in_sync" Gauge ["standby"] "On a primary: 1 while the standby is in the in-sync set."
    PEER_ACKED "understudy_peer_acked_records" Gauge ["standby", "shard"] "On a primary: what the standby said it has flushed."
    PEER_BEHIND "understudy_peer_behind_records" Gauge ["standby", "shard"] "On a primary: records flushed here and not known to be flushed there."
    PEER_ACK_AGE "understudy_peer_ack_age_seconds" Gauge ["standby"] "On a primary: since the standby was last heard."
    PEER_DIVERGED "understudy_peer_state_diverged" Gauge ["standby"] "On a primary: 1 while a connected standby says that its state differs from this primary's."
    QUARANTINED "understudy_quarantined_records" Gauge ["shard"] "Divergent records kept aside in this data root."
    STATE_MEMORY "understudy_state_memory_bytes" Gauge ["shard"] "Memory of the applied state, as the state machine reckons it."
    STATE_DIVERGED "understudy_state_diverged" Gauge ["shard"] "On a standby: 1 when its state differed from the primary's at the same record and was not made anew since, 0 when it was equal; absent before anything was compared."
    STATE_COMPARED "understudy_state_compared_records" Gauge ["shard"] "On a standby: where both states were last equal, or first differed; absent before anything was compared."
    STATE_COMPARED_AGE "understudy_state_compared_age_seconds" Gauge ["shard"] "On a standby: since the primary's digest was heard that showed it."
    DIGEST_MISMATCHES "understudy_digest_mismatches_total" Counter ["shard"] "On a standby: digests of the primary that differed from its own at the same record."
    DIGESTS_NOT_COMPARABLE "understudy_digests_not_comparable_total" Counter ["shard"] "On a standby: digests of the primary for a record whose own digest is not kept."
    STATE_RESTORED "understudy_state_restorations_total" Counter ["shard", "way"] "How often the state was put right after the log was cut below it, or because an operator asked: rolled_back, or made_anew from the log's first record."
    SCRUB_PASS "understudy_scrub_pass_bytes" Gauge ["shard"] "Bytes of old segments that the scrub's pass under way has to verify."
    SCRUB_DONE "understudy_scrub_pass_done_bytes" Gauge ["shard"] "What it has verified of them."
    SCRUB_PASSES "understudy_scrub_passes_total" Counter ["shard"] "Full passes of the scrub since this process started."
    SCRUB_AGE "understudy_scrub_last_pass_age_seconds" Gauge ["shard"] "Since the last full pass of the scrub; absent before the first one."
    LOG_DAMAGED "understudy_log_damaged" Gauge ["shard"] "1 when the scrub found damage in this node's log, until it is started again."
    DISK_FREE "understudy_disk_free_bytes" Gauge [] "What can still be allocated under the data root."
}
