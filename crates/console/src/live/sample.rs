use serde::Serialize;
use understudy_node::status::{Lag, Status};
use understudy_types::{BootTime, lsn_value};

/// How far the standby was behind at one moment, and how much this node had
/// written by then. What was not known is absent; while `known` is false,
/// what is there is a lower bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) at: BootTime,
    pub(crate) known: bool,
    pub(crate) behind: Behind,
    /// Records and bytes in this node's logs, all shards together.
    pub(crate) log_records: u64,
    pub(crate) log_bytes: u64,
}

/// Of the shard that is furthest behind. A primary knows what its standby has
/// flushed, and nothing of the other stages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Behind {
    pub(crate) received: Option<u64>,
    pub(crate) flushed: Option<u64>,
    pub(crate) applied: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) seconds: Option<f64>,
}

/// The order of the numbers in a sample on the wire.
pub(crate) const FIELDS: [&str; 9] = [
    "seconds_ago",
    "known",
    "received",
    "flushed",
    "applied",
    "bytes",
    "seconds",
    "log_records",
    "log_bytes",
];

#[derive(Serialize)]
pub(crate) struct Row(
    f64,
    bool,
    Option<u64>,
    Option<u64>,
    Option<u64>,
    Option<u64>,
    Option<f64>,
    u64,
    u64,
);

impl Sample {
    pub(crate) fn of(status: &Status, at: BootTime) -> Sample {
        let shards = status.shards.values();
        let flushed = |shard: &understudy_node::status::ShardStatus| {
            lsn_value(shard.flushed.map(|position| position.lsn))
        };
        let (known, behind) = match status.stream {
            Some(_) => of_standby(status),
            None => of_primary(status),
        };
        Sample {
            at,
            known,
            behind,
            log_records: shards.clone().map(flushed).sum(),
            log_bytes: shards.map(|shard| shard.flushed_bytes).sum(),
        }
    }

    pub(crate) fn row(&self, now: BootTime) -> Row {
        let Behind {
            received,
            flushed,
            applied,
            bytes,
            seconds,
        } = self.behind;
        let age = now.since(self.at).as_secs_f64();
        Row(
            (age * 10.0).round() / 10.0,
            self.known,
            received,
            flushed,
            applied,
            bytes,
            seconds,
            self.log_records,
            self.log_bytes,
        )
    }

    /// One sample for two: the later moment, the larger lag, and known only
    /// when both are.
    pub(crate) fn worst(self, later: &Sample) -> Sample {
        let Behind {
            received,
            flushed,
            applied,
            bytes,
            seconds,
        } = self.behind;
        let other = later.behind;
        Sample {
            known: self.known && later.known,
            behind: Behind {
                received: received.max(other.received),
                flushed: flushed.max(other.flushed),
                applied: applied.max(other.applied),
                bytes: bytes.max(other.bytes),
                seconds: match (seconds, other.seconds) {
                    (Some(one), Some(two)) => Some(one.max(two)),
                    (one, two) => one.or(two),
                },
            },
            ..later.clone()
        }
    }
}

fn of_standby(status: &Status) -> (bool, Behind) {
    let lags: Vec<Option<&Lag>> = status.shards.values().map(|s| s.lag.as_ref()).collect();
    let known = lags.iter().all(|lag| lag.is_some_and(|lag| lag.known));
    let most = |of: fn(&Lag) -> u64| lags.iter().flatten().map(|lag| of(lag)).max();
    let seconds = lags.iter().flatten().map(|lag| lag.seconds);
    let behind = Behind {
        received: most(|lag| lag.records_received),
        flushed: most(|lag| lag.records_flushed),
        applied: most(|lag| lag.records_applied),
        bytes: most(|lag| lag.bytes_flushed),
        seconds: seconds.reduce(f64::max),
    };
    (known, behind)
}

/// Without a standby there is nothing that could be known.
fn of_primary(status: &Status) -> (bool, Behind) {
    let standbys = &status.standbys;
    let behind = standbys
        .iter()
        .flat_map(|standby| standby.records_behind.values().copied());
    let known = !standbys.is_empty() && standbys.iter().all(|standby| standby.connected);
    let behind = Behind {
        flushed: behind.max(),
        ..Behind::default()
    };
    (known && behind.flushed.is_some(), behind)
}
