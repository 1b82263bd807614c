use super::table::*;
use understudy_node::status::{
    LeaseStatus, ScrubStatus, ShardStatus, StandbyStatus, StateStatus, Status, StreamStatus,
};
use understudy_protocol::LossBound;
use understudy_protocol::control::AckHome;
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
    pub(super) value: f64,
}

struct Samples(Vec<Sample>);

impl Samples {
    fn put(&mut self, metric: &'static Metric, values: &[&str], value: f64) {
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

pub(super) fn samples(status: &Status, is_primary: bool) -> Vec<Sample> {
    let mut out = Samples(Vec::new());
    out.put(&BUILD_INFO, &[&status.version], 1.0);
    for role in ROLES {
        out.put(&ROLE, &[role], flag(status.role == role));
    }
    out.put(&PROMISED_EPOCH, &[], status.promised_epoch.get() as f64);
    out.put(&UPTIME, &[], status.uptime_seconds);
    out.put(&LEASE_VALID, &[], flag(is_primary));
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
    }
    if let Some(bound) = &status.loss_bound {
        of_loss(&mut out, bound);
    }
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
        if let Some(lag) = &shard.lag {
            let received = durable - lag.records_received as f64;
            out.put(
                &POSITION_RECORDS,
                &[name, "received"],
                received.max(flushed),
            );
        }
    }
    if let Some(lag) = &shard.lag {
        out.put(
            &LAG_RECORDS,
            &[name, "received"],
            lag.records_received as f64,
        );
        out.put(&LAG_RECORDS, &[name, "flushed"], lag.records_flushed as f64);
        out.put(&LAG_RECORDS, &[name, "applied"], lag.records_applied as f64);
        out.put(&LAG_BYTES, &[name, "flushed"], lag.bytes_flushed as f64);
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

/// The series of a standby: they exist as long as it is one, dead or alive.
fn of_stream(out: &mut Samples, status: &Status, stream: &StreamStatus) {
    out.put(&STREAM_CONNECTED, &[], flag(stream.state == "streaming"));
    out.put_known(&HEARTBEAT_AGE, &[], stream.heartbeat_age_seconds);
    out.put_known(&ROUND_TRIP, &[], stream.round_trip_seconds);
    out.put(&RECONNECTS, &[], stream.reconnects as f64);
    let lags: Vec<_> = status
        .shards
        .values()
        .map(|shard| shard.lag.as_ref())
        .collect();
    let known = lags.iter().all(|lag| lag.is_some_and(|lag| lag.known));
    out.put(&LAG_KNOWN, &[], flag(known));
    let seconds = lags
        .iter()
        .flatten()
        .map(|lag| lag.seconds)
        .reduce(f64::max);
    out.put_known(&LAG_SECONDS, &["applied"], seconds);
    if let Some(lease) = &status.lease {
        out.put(&IN_SYNC, &[], flag(lease.in_sync.contains(&status.node)));
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
