use super::table::*;
use understudy_node::meters::{Counts, Readings, Times};
use understudy_node::status::{
    Lag, LeaseStatus, ScrubStatus, ShardStatus, StandbyStatus, StateStatus, Status, StreamStatus,
};
use understudy_node::{LOG_FORMAT, Scrape};
use understudy_protocol::LossBound;
use understudy_protocol::control::AckHome;
use understudy_protocol::lag::Condition;
use understudy_types::{Position, lsn_value};

const ROLES: [&str; 7] = [
    "standby",
    "promoting",
    "claimed",
    "primary",
    "handing_over",
    "lapsed",
    "ended",
];

/// One line of the exposition.
pub(super) struct Sample {
    pub(super) metric: &'static Metric,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: Value,
}

pub(super) enum Value {
    Number(f64),
    Times(Times),
}

struct Samples(Vec<Sample>);

impl Samples {
    fn put(&mut self, metric: &'static Metric, values: &[&str], value: f64) {
        self.add(metric, values, Value::Number(value));
    }

    fn put_times(&mut self, metric: &'static Metric, values: &[&str], times: &Times) {
        self.add(metric, values, Value::Times(times.clone()));
    }

    fn put_counts(&mut self, metric: &'static Metric, before: &[&str], counts: &Counts) {
        for (name, count) in counts {
            let values = [before, &[name]].concat();
            self.put(metric, &values, *count as f64);
        }
    }

    fn add(&mut self, metric: &'static Metric, values: &[&str], value: Value) {
        assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
        let values = values.iter().map(|value| (*value).to_owned());
        let labels = metric.labels.iter().copied().zip(values).collect();
        self.0.push(Sample {
            metric,
            labels,
            value,
        });
    }

    fn put_known(&mut self, metric: &'static Metric, values: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.put(metric, values, value);
        }
    }
}

pub(super) fn samples(scrape: &Scrape) -> Vec<Sample> {
    let mut out = Samples(Vec::new());
    let status = &scrape.status;
    let format = LOG_FORMAT.to_string();
    out.put(&BUILD_INFO, &[&status.version, &format], 1.0);
    let maintenance = f64::from(u8::from(status.maintenance.is_some()));
    out.put(&MAINTENANCE, &[], maintenance);
    for role in ROLES {
        out.put(&ROLE, &[role], flag(status.role == role));
    }
    out.put(&PROMISED_EPOCH, &[], status.promised_epoch.get() as f64);
    out.put(&UPTIME, &[], status.uptime_seconds);
    out.put(&LEASE_VALID, &[], flag(scrape.is_primary));
    out.put_known(
        &DISK_FREE,
        &[],
        status.disk_free_bytes.map(|bytes| bytes as f64),
    );
    if let Some(lease) = &status.lease {
        of_lease(&mut out, lease);
    }
    for (name, shard) in &status.shards {
        of_shard(&mut out, name.as_str(), shard);
    }
    if let Some(stream) = &status.stream {
        of_stream(&mut out, status, stream);
        of_followed(&mut out, scrape, stream);
    }
    of_readings(&mut out, &scrape.readings);
    if let Some(bound) = &status.loss_bound {
        of_loss(&mut out, bound);
    }
    let sent = &status.sent;
    out.put(&STREAM_SENT, &["canonical"], sent.canonical_bytes as f64);
    out.put(&STREAM_SENT, &["wire"], sent.wire_bytes as f64);
    for certificate in &status.certificates {
        let name = certificate.name.as_str();
        out.put(&CERT_EXPIRY, &[name], certificate.expires_at_unix as f64);
        out.put(&CERT_PROBLEM, &[name], flag(certificate.problem.is_some()));
    }
    out.put(&CONNECTIONS_REFUSED, &[], status.connections_refused as f64);
    for standby in &status.standbys {
        of_standby(&mut out, standby);
    }
    out.0
}

fn of_lease(out: &mut Samples, lease: &LeaseStatus) {
    out.put(&EPOCH, &[], lease.epoch.get() as f64);
    out.put_known(&LEASE_REMAINING, &[], lease.remaining_seconds);
    out.put_known(&LEASE_STORE_AGE, &[], lease.store_answered_seconds_ago);
    let without_store = lease.without_store.is_some();
    out.put(&WITHOUT_STORE, &[], flag(without_store));
    if let Some(home) = lease.ack_home {
        for one in AckHome::ALL {
            out.put(&ACK_HOME, &[one.name()], flag(one == home));
        }
    }
}

fn of_shard(out: &mut Samples, name: &str, shard: &ShardStatus) {
    let flushed = records(shard.flushed);
    out.put(&POSITION_RECORDS, &[name, "flushed"], flushed);
    let received = shard.received.map(|lsn| lsn as f64);
    out.put_known(&POSITION_RECORDS, &[name, "received"], received);
    let received = shard.received_bytes.map(|bytes| bytes as f64);
    out.put_known(&POSITION_BYTES, &[name, "received"], received);
    let applied = shard.applied_bytes as f64;
    out.put(&POSITION_BYTES, &[name, "applied"], applied);
    let committed = shard.committed.map(|lsn| lsn as f64);
    out.put_known(&POSITION_RECORDS, &[name, "committed"], committed);
    let applied = shard.applied.map(|lsn| lsn as f64);
    out.put_known(&POSITION_RECORDS, &[name, "applied"], applied);
    out.put(
        &POSITION_BYTES,
        &[name, "flushed"],
        shard.flushed_bytes as f64,
    );
    if let Some(primary) = &shard.primary {
        let durable = records(primary.flushed);
        out.put(&POSITION_RECORDS, &[name, "primary_durable"], durable);
        let bytes = primary.flushed_bytes as f64;
        out.put(&POSITION_BYTES, &[name, "primary_durable"], bytes);
    }
    if let Some(lag) = &shard.lag {
        for (stage, records, bytes) in [
            ("received", lag.records_received, lag.bytes_received),
            ("flushed", lag.records_flushed, lag.bytes_flushed),
            ("applied", lag.records_applied, lag.bytes_applied),
        ] {
            out.put(&LAG_RECORDS, &[name, stage], records as f64);
            out.put(&LAG_BYTES, &[name, stage], bytes as f64);
        }
    }
    out.put(&QUARANTINED, &[name], shard.quarantined_records as f64);
    out.put_known(&SLOTS, &[name], shard.slots.map(|slots| slots as f64));
    out.put(&STATE_MEMORY, &[name], shard.state_memory_bytes as f64);
    let restored = shard.state_restored;
    for (way, times) in [
        ("rolled_back", restored.rolled_back),
        ("made_anew", restored.made_anew),
    ] {
        out.put(&STATE_RESTORED, &[name, way], times as f64);
    }
    if let Some(scrub) = &shard.scrub {
        of_scrub(out, name, scrub);
    }
    if let Some(state) = &shard.state {
        of_state(out, name, state);
    }
}

fn of_scrub(out: &mut Samples, name: &str, scrub: &ScrubStatus) {
    out.put(&SCRUB_PASS, &[name], scrub.pass_bytes as f64);
    out.put(&SCRUB_DONE, &[name], scrub.pass_done_bytes as f64);
    out.put(&SCRUB_PASSES, &[name], scrub.passes as f64);
    let verified = scrub.verified.map(|lsn| lsn as f64);
    out.put_known(&VERIFIED, &[name], verified);
    out.put_known(&SCRUB_AGE, &[name], scrub.last_pass_seconds_ago);
    out.put(&LOG_DAMAGED, &[name], flag(scrub.damage.is_some()));
}

fn of_state(out: &mut Samples, name: &str, state: &StateStatus) {
    if let Some(lsn) = state.lsn {
        let diverged = flag(state.outcome == "diverged");
        out.put(&STATE_DIVERGED, &[name], diverged);
        out.put(&STATE_COMPARED, &[name], lsn as f64);
    }
    out.put_known(&STATE_COMPARED_AGE, &[name], state.seconds_ago);
    out.put(&DIGEST_MISMATCHES, &[name], state.mismatches as f64);
    let not_comparable = state.not_comparable as f64;
    out.put(&DIGESTS_NOT_COMPARABLE, &[name], not_comparable);
}

/// One number of a shard's lag.
type OfLag = fn(&Lag) -> f64;

/// The series of a standby: they exist as long as it is one, dead or alive.
fn of_stream(out: &mut Samples, status: &Status, stream: &StreamStatus) {
    out.put(&STREAM_CONNECTED, &[], flag(stream.state == "streaming"));
    out.put_known(&HEARTBEAT_AGE, &[], stream.heartbeat_age_seconds);
    let lags: Vec<_> = status
        .shards
        .values()
        .map(|shard| shard.lag.as_ref())
        .collect();
    let known = lags.iter().all(|lag| lag.is_some_and(|lag| lag.known));
    out.put(&LAG_KNOWN, &[], flag(known));
    let stages: [(&str, OfLag); 3] = [
        ("received", |lag| lag.seconds_received),
        ("flushed", |lag| lag.seconds_flushed),
        ("applied", |lag| lag.seconds),
    ];
    for (stage, seconds) in stages {
        let seconds = lags.iter().flatten().map(|lag| seconds(lag));
        out.put_known(&LAG_SECONDS, &[stage], seconds.reduce(f64::max));
    }
    if let Some(lease) = &status.lease {
        out.put(&IN_SYNC, &[], flag(lease.in_sync.contains(&status.node)));
    }
}

/// What is measured and judged on a standby only.
fn of_followed(out: &mut Samples, scrape: &Scrape, stream: &StreamStatus) {
    let readings = &scrape.readings;
    out.put_counts(&RECONNECTS, &[], &readings.stream_ends);
    out.put_counts(&CHAIN_ERRORS, &[], &readings.chain_faults);
    out.put(&RECEIVED_BYTES, &[], readings.received_bytes as f64);
    out.put_times(&ROUND_TRIP, &[], &readings.round_trips);
    for condition in Condition::ALL {
        let word = condition.name();
        let is = stream.condition.as_deref() == Some(word);
        out.put(&CONDITION, &[word], flag(is));
    }
    out.put_known(&CATCHUP_ETA, &[], scrape.catchup_seconds);
    out.put_known(&CLOCK_OFFSET, &[], readings.clock_offset_seconds);
    for (mode, seconds) in [
        ("switchover", readings.switchover_seconds),
        ("failover", readings.failover_seconds),
    ] {
        out.put_known(&PROMOTION_ETA, &[mode], seconds);
    }
    for verdict in &scrape.verdicts {
        let refused = verdict.outcome == "refused";
        out.put(&PROMOTABLE, &[&verdict.mode], flag(!refused));
        for check in &verdict.checks {
            let level = match check.outcome.as_str() {
                "ok" => 0.0,
                "warn" => 1.0,
                _ => 2.0,
            };
            out.put(&PREFLIGHT, &[&verdict.mode, &check.id], level);
        }
    }
}

fn of_readings(out: &mut Samples, readings: &Readings) {
    out.put_times(&LEASE_RENEW, &[], &readings.lease_writes);
    out.put(&LEASE_CONFLICTS, &[], readings.lease_conflicts as f64);
    out.put_counts(&PROMOTIONS, &["switchover"], &readings.switchovers);
    out.put_counts(&PROMOTIONS, &["failover"], &readings.failovers);
    let promoted = readings.last_promotion;
    let promoted = promoted.map(|millis| millis as f64 / 1000.0);
    out.put_known(&LAST_PROMOTION, &[], promoted);
    out.put_counts(&RESYNCS, &[], &readings.resyncs);
    out.put(&IO_ERRORS, &[], readings.io_failures as f64);
    for (name, shard) in &readings.shards {
        let name = name.as_str();
        out.put_times(&FSYNC, &[name], &shard.flushes);
        out.put_times(&APPLY, &[name], &shard.applies);
        out.put(&APPLIED, &[name], shard.applied_records as f64);
    }
}

fn of_loss(out: &mut Samples, bound: &LossBound) {
    let (records, seconds) = match bound {
        LossBound::Nothing => (0.0, 0.0),
        LossBound::Recent {
            records_known,
            within,
        } => (*records_known as f64, within.as_secs_f64()),
        LossBound::Unknown => (f64::INFINITY, f64::INFINITY),
    };
    out.put(&LOSS_BOUND_RECORDS, &[], records);
    out.put(&LOSS_BOUND_SECONDS, &[], seconds);
}

fn of_standby(out: &mut Samples, standby: &StandbyStatus) {
    let name = standby.node.as_str();
    out.put(&REGISTERED, &[name], 1.0);
    out.put(&PEER_CONNECTED, &[name], flag(standby.connected));
    out.put(&PEER_IN_SYNC, &[name], flag(standby.in_sync));
    let diverged = flag(standby.state_diverged);
    out.put(&PEER_DIVERGED, &[name], diverged);
    out.put_known(&PEER_ACK_AGE, &[name], standby.last_heard_seconds_ago);
    for (shard, flushed) in &standby.flushed {
        out.put(&PEER_ACKED, &[name, shard.as_str()], records(*flushed));
    }
    for (shard, behind) in &standby.records_behind {
        out.put(&PEER_BEHIND, &[name, shard.as_str()], *behind as f64);
    }
}

fn records(position: Option<Position>) -> f64 {
    lsn_value(position.map(|position| position.lsn)) as f64
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}
