//! Every metric that there is. docs/metrics.md lists the same, by test.

/// How a value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
    Histogram,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
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
    BUILD_INFO "understudy_build_info" Gauge ["version", "format"] "The running binary, and the version of the log's format that it writes; always 1."
    ROLE "understudy_role" Gauge ["role"] "1 for the role that this node has, 0 for the others."
    EPOCH "understudy_epoch" Gauge [] "The epoch of the lease as last seen; absent before it was seen."
    PROMISED_EPOCH "understudy_promised_epoch" Gauge [] "The highest epoch that this node has promised."
    UPTIME "understudy_uptime_seconds" Gauge [] "Since this process started."
    LEASE_VALID "understudy_lease_valid" Gauge [] "1 while this node may answer clients as primary, by its own clock."
    LEASE_REMAINING "understudy_lease_remaining_seconds" Gauge [] "On the holder, until it must be silent; negative after that."
    LEASE_RENEW "understudy_lease_renew_seconds" Histogram [] "From each write of the lease that was applied at once to the store's answer."
    LEASE_CONFLICTS "understudy_lease_cas_conflicts_total" Counter [] "Writes of the lease that the store refused because the object had changed."
    LEASE_STORE_AGE "understudy_lease_store_answer_age_seconds" Gauge [] "Since the store last answered about the lease."
    STREAM_CONNECTED "understudy_stream_connected" Gauge [] "On a standby: 1 while it streams from a primary that is not silent."
    HEARTBEAT_AGE "understudy_stream_heartbeat_age_seconds" Gauge [] "On a standby: since the last valid heartbeat, at the scrape."
    ROUND_TRIP "understudy_stream_rtt_seconds" Histogram [] "On a standby: round trips of the stream, one for each heartbeat."
    RECONNECTS "understudy_stream_reconnects_total" Counter ["reason"] "On a standby: streams that ended and were opened again, by reason: unreachable, refused, silent, closed, gap, other_epoch, damaged, not_stored, malformed."
    CHAIN_ERRORS "understudy_chain_errors_total" Counter ["kind"] "On a standby: batches of the stream that were not taken: damaged, older_epoch, newer_than_stream, epoch_went_back, gap, chain_broken."
    RECEIVED_BYTES "understudy_received_bytes_total" Counter [] "On a standby: bytes of batches that came by the stream."
    POSITION_RECORDS "understudy_position_records" Gauge ["shard", "stage"] "Watermarks in records: primary_durable, received, flushed, committed, applied."
    POSITION_BYTES "understudy_position_bytes" Gauge ["shard", "stage"] "Canonical bytes from the log's beginning: primary_durable, received, flushed, applied."
    LAG_RECORDS "understudy_lag_records" Gauge ["shard", "stage"] "On a standby: records behind the primary; a lower bound while understudy_lag_known is 0."
    LAG_BYTES "understudy_lag_bytes" Gauge ["shard", "stage"] "On a standby: bytes behind the primary; a lower bound while understudy_lag_known is 0."
    LAG_SECONDS "understudy_lag_seconds" Gauge ["stage"] "On a standby: how old the oldest record may be that is not received, flushed, applied, over all shards; a lower bound while understudy_lag_known is 0."
    LAG_KNOWN "understudy_lag_known" Gauge [] "On a standby: 1 while the lag of every shard is known."
    CONDITION "understudy_standby_condition" Gauge ["condition"] "On a standby: 1 for the word that fits the worst shard, 0 for the others (docs/lag.md)."
    CATCHUP_ETA "understudy_catchup_eta_seconds" Gauge [] "On a standby: until all that is known of is applied, at the rate of the last half minute; +Inf while that comes no nearer."
    PROMOTABLE "understudy_promotable" Gauge ["for"] "On a standby: 1 while the verdict for a switchover or a failover to it refuses nothing."
    PREFLIGHT "understudy_preflight_check" Gauge ["for", "check"] "On a standby: each check of the verdict: 0 ok, 1 warning, 2 refused."
    PROMOTION_ETA "understudy_promotion_eta_seconds" Gauge ["for"] "On a standby: how long a promotion would take from now on, by what was measured here: what is left to apply, the wait for the old lease, a flush, two answers of the store."
    CLOCK_OFFSET "understudy_clock_offset_seconds" Gauge [] "On a standby: how far the primary's wall clock was ahead when it was last heard, give or take the round trip. Nothing is decided by it."
    MAINTENANCE "understudy_maintenance" Gauge [] "1 while an operator has this node refuse writes (understudy maintenance)."
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
    PROMOTIONS "understudy_promotions_total" Counter ["kind", "result"] "Requests for a switchover or a failover that ended on this node: served, refused, aborted."
    LAST_PROMOTION "understudy_last_promotion_timestamp_seconds" Gauge [] "When this node last began to serve by request, by its wall clock; absent before that."
    RESYNCS "understudy_resyncs_total" Counter ["reason"] "How often a part of the log was set aside and is fetched anew: diverged from the primary's, or damaged at the start."
    STREAM_SENT "understudy_stream_sent_bytes_total" Counter ["stage"] "On a primary: bytes of batches sent to standbys since the start: canonical, and on the wire, where they may be compressed."
    CERT_EXPIRY "understudy_cert_expiry_timestamp_seconds" Gauge ["certificate"] "When a certificate in use ends, in seconds since 1970: node, authority, clients; absent where plain text is spoken."
    CERT_PROBLEM "understudy_cert_reload_failed" Gauge ["certificate"] "1 while changed files of a certificate cannot be used and the former ones are."
    CONNECTIONS_REFUSED "understudy_connections_refused_total" Counter [] "Connections that were not let in: no valid certificate, plain text where TLS is spoken, silence, or too many at once that have not said who they are."
    QUARANTINED "understudy_quarantined_records" Gauge ["shard"] "Divergent records kept aside in this data root."
    FSYNC "understudy_wal_fsync_seconds" Histogram ["shard"] "Flushes of the log: fdatasync, and what the log does around it."
    APPLY "understudy_apply_batch_seconds" Histogram ["shard"] "Applying one batch to the state."
    APPLIED "understudy_applied_records_total" Counter ["shard"] "Records applied since this process started, its own recovery not counted."
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
    VERIFIED "understudy_verified_position_records" Gauge ["shard"] "Up to here every record of the log was verified, at the start or by the scrub since."
    LOG_DAMAGED "understudy_log_damaged" Gauge ["shard"] "1 when the scrub found damage in this node's log, until it is started again."
    IO_ERRORS "understudy_io_errors_total" Counter [] "Operations of the data root's file system that failed, a full disk included."
    DISK_FREE "understudy_disk_free_bytes" Gauge [] "What can still be allocated under the data root."
}
