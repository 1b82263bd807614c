//! The states of the pictures: recorded statuses, and what must be answered.

use rig::Scheme;
use serde_json::{Value, json};
use std::time::Duration;
use understudy_console::NodeAnswer;
use understudy_node::BootClock;
use understudy_node::status::{Receipt, Status};
use understudy_types::{BootTime, Clock};

const HEAD: u64 = 18_204_511;

#[derive(Clone)]
pub(crate) struct State {
    pub(crate) name: &'static str,
    pub(crate) endpoint: &'static str,
    pub(crate) own: Status,
    pub(crate) other: NodeAnswer,
    pub(crate) receipt: Receipt,
    /// What the page must answer to the three questions.
    pub(crate) over: &'static str,
    pub(crate) flow: &'static str,
    pub(crate) right: &'static str,
    /// How far behind this node was, so many seconds ago; unknown if none.
    behind: fn(u64) -> Option<u64>,
    pub(crate) scheme: Scheme,
    pub(crate) width: Option<u32>,
    pub(crate) height_max: u32,
    pub(crate) acts: bool,
    pub(crate) silence: bool,
}

impl State {
    /// The five minutes before the picture.
    pub(crate) fn past(&self, mut note: impl FnMut(&Status, BootTime)) {
        let now = BootClock.now();
        for ago in (1..300).rev() {
            let mut status = self.own.clone();
            for shard in status.shards.values_mut() {
                let wave = 1.0 - (ago as f64 / 30.0).cos();
                let records = ago * 1200 + (wave * 6000.0) as u64;
                if let Some(flushed) = shard.flushed.as_mut() {
                    flushed.lsn =
                        understudy_types::Lsn::new(flushed.lsn.get() - records).expect("above 0");
                }
                if let Some(lag) = shard.lag.as_mut() {
                    let behind = (self.behind)(ago);
                    lag.known = behind.is_some();
                    let behind = behind.unwrap_or(0);
                    lag.records_received = behind / 3;
                    lag.records_flushed = behind * 3 / 4;
                    lag.records_applied = behind;
                }
            }
            note(&status, now - Duration::from_secs(ago));
        }
    }
}

fn position(lsn: u64) -> Value {
    json!({ "lsn": lsn, "hash": format!("{lsn:064x}") })
}

fn common(node: &str, role: &str, site: &str) -> Value {
    let held = (role == "primary").then_some(8.4);
    json!({
        "node": node, "data_id": "0".repeat(32), "cluster": "1".repeat(32), "cluster_name": "prod",
        "version": env!("CARGO_PKG_VERSION"), "role": role, "promised_epoch": 41,
        "ack_policy": "replicated", "failover": "manual", "failsafe": "off", "uptime_seconds": 271_000.0,
        "stream": null, "standbys": [], "loss_bound": null, "disk_free_bytes": 61_000_000_000u64,
        "lease": {
            "epoch": 41, "state": "held", "holder": "alpha", "holder_replication": "dc1.example.com:2390",
            "ttl_seconds": 10.0, "seen_seconds_ago": 0.8, "store_answered_seconds_ago": 0.3,
            "remaining_seconds": held, "in_sync": ["bravo"], "ack_policy": "replicated",
            "ack_home": "standbys", "handover_to": null
        },
        "shards": { "main": {
            "client_address": format!("{site}.example.com:2379"), "flushed": position(HEAD),
            "committed": HEAD, "applied": HEAD, "flushed_bytes": 3_120_000_000u64,
            "state_memory_bytes": 1_900_000_000u64, "state_digest": "d", "primary": null, "lag": null,
            "quarantined_records": 0, "flush": { "p50_seconds": 0.0011, "p99_seconds": 0.0031 },
            "scrub": {
                "rate_bytes": 1_048_576, "pass_bytes": 300, "pass_done_bytes": 100, "passes": 3,
                "last_pass_seconds_ago": 8123.0, "damage": null
            }
        } }
    })
}

fn alpha() -> Value {
    let mut value = common("alpha", "primary", "dc1");
    value["standbys"] = json!([{
        "node": "bravo", "data_id": "2".repeat(32), "connected": true, "in_sync": true,
        "last_heard_seconds_ago": 0.1, "flushed": { "main": position(HEAD) }, "records_behind": { "main": 0 }
    }]);
    value
}

fn bravo() -> Value {
    let mut value = common("bravo", "standby", "dc2");
    value["stream"] = json!({
        "state": "streaming", "primary": "alpha", "epoch": 41, "connected_seconds": 270_000.0,
        "heartbeat_age_seconds": 0.21, "round_trip_seconds": 0.031, "cause": null, "reconnects": 0
    });
    value["loss_bound"] = json!("nothing");
    let shard = &mut value["shards"]["main"];
    shard["primary"] =
        json!({ "flushed": position(HEAD), "committed": HEAD, "flushed_bytes": 3_120_000_000u64 });
    shard["lag"] = json!({
        "known": true, "records_received": 0, "records_flushed": 0, "records_applied": 0,
        "bytes_flushed": 0, "seconds": 0.0
    });
    shard["state"] = json!({
        "outcome": "equal", "lsn": HEAD - 11, "seconds_ago": 0.4, "digest": null, "primary_digest": null,
        "mismatches": 0, "not_comparable": 0
    });
    value
}

fn recent(records: u64, seconds: u64) -> Value {
    json!({ "recent": { "records_known": records, "within": { "secs": seconds, "nanos": 0 } } })
}

fn receipt() -> Receipt {
    let value = json!({
        "format": 1, "cluster": "1".repeat(32), "request": "5".repeat(32), "mode": "switchover",
        "by": "kim@ops1", "reason": "new disks at dc1", "fenced_by": null, "node": "bravo", "epoch": 38,
        "lossy": false, "loss_bound": "nothing", "forks": { "main": position(16_010_002) },
        "rto_micros": 72_000, "steps": [], "wall_millis": 1_790_000_000_000u64
    });
    serde_json::from_value(value).expect("a receipt")
}

fn read(value: Value) -> Status {
    serde_json::from_value(value).expect("a status")
}

fn says(endpoint: &str, status: Value) -> NodeAnswer {
    NodeAnswer {
        endpoint: endpoint.to_owned(),
        status: Some(read(status)),
        error: None,
        seconds_ago: 0.0,
    }
}

fn healthy() -> State {
    State {
        name: "healthy",
        endpoint: "dc2.example.com:2390",
        own: read(bravo()),
        other: says("dc1.example.com:2390", alpha()),
        receipt: receipt(),
        over: "YES, LOSES NOTHING",
        flow: "YES",
        right: "YES",
        behind: |ago| Some(ago * ago * 31 % 37),
        scheme: Scheme::Light,
        width: None,
        height_max: 880,
        acts: false,
        silence: false,
    }
}

/// All of the page.
fn whole() -> State {
    State {
        height_max: 3000,
        ..healthy()
    }
}

fn catching_up() -> State {
    let mut value = bravo();
    value["lease"]["in_sync"] = json!([]);
    value["lease"]["ack_home"] = json!("store");
    value["loss_bound"] = json!("nothing");
    let shard = &mut value["shards"]["main"];
    shard["flushed"] = position(HEAD - 15_120);
    shard["applied"] = json!(HEAD - 20_160);
    shard["lag"] = json!({
        "known": true, "records_received": 6720, "records_flushed": 15_120, "records_applied": 20_160,
        "bytes_flushed": 3_900_000, "seconds": 14.2
    });
    shard["state"]["seconds_ago"] = json!(15.1);
    let mut other = alpha();
    other["lease"]["in_sync"] = json!([]);
    other["lease"]["ack_home"] = json!("store");
    State {
        name: "catching-up",
        own: read(value),
        other: says("dc1.example.com:2390", other),
        flow: "CATCHING UP",
        behind: |ago| match ago {
            180.. => Some(ago % 17),
            90..180 => None,
            _ => Some(20_160 + ago * 900),
        },
        ..healthy()
    }
}

fn stream_dead() -> State {
    let mut value = bravo();
    value["stream"]["state"] = json!("connecting");
    value["stream"]["connected_seconds"] = json!(null);
    value["stream"]["heartbeat_age_seconds"] = json!(132.4);
    value["stream"]["cause"] = json!("connection refused");
    value["loss_bound"] = recent(0, 134);
    value["ack_policy"] = json!("local");
    value["lease"]["ack_policy"] = json!("local");
    value["lease"]["in_sync"] = json!([]);
    value["shards"]["main"]["lag"] = json!({
        "known": false, "records_received": 0, "records_flushed": 0, "records_applied": 0,
        "bytes_flushed": 0, "seconds": 131.4
    });
    value["shards"]["main"]["state"]["seconds_ago"] = json!(132.4);
    State {
        name: "stream-dead",
        own: read(value),
        other: NodeAnswer {
            endpoint: "dc1.example.com:2390".to_owned(),
            status: None,
            error: Some("no connection within 1s".to_owned()),
            seconds_ago: 0.0,
        },
        over: "ONLY WITH LOSS",
        flow: "NO, LAG UNKNOWN",
        right: "WAS EQUAL",
        behind: |ago| (ago > 131).then_some(ago * ago * 31 % 37),
        ..healthy()
    }
}

/// The primary's page: its standby came back, and is not in the set yet.
fn not_in_sync() -> State {
    let mut own = alpha();
    own["lease"]["in_sync"] = json!([]);
    own["lease"]["ack_home"] = json!("store");
    own["standbys"][0]["in_sync"] = json!(false);
    own["shards"]["main"]["slots"] = json!(12);
    let mut other = bravo();
    other["lease"]["in_sync"] = json!([]);
    other["lease"]["ack_home"] = json!("store");
    State {
        name: "not-in-sync",
        endpoint: "dc1.example.com:2390",
        own: read(own),
        other: says("dc2.example.com:2390", other),
        flow: "YES, NOT IN SYNC",
        behind: |_| None,
        scheme: Scheme::Dark,
        ..healthy()
    }
}

fn promoting() -> State {
    let mut own = alpha();
    own["role"] = json!("handing_over");
    own["lease"]["handover_to"] = json!("bravo");
    State {
        name: "promoting",
        endpoint: "dc1.example.com:2390",
        own: read(own),
        other: says("dc2.example.com:2390", bravo()),
        over: "TAKING OVER",
        height_max: 1100,
        acts: true,
        ..healthy()
    }
}

fn diverged() -> State {
    let mut value = bravo();
    value["shards"]["main"]["state"] = json!({
        "outcome": "diverged", "lsn": HEAD - 400, "seconds_ago": 3.2, "digest": "a1", "primary_digest": "b2",
        "mismatches": 4, "not_comparable": 0
    });
    State {
        name: "diverged",
        own: read(value),
        over: "NO",
        right: "NO, DIVERGED",
        ..healthy()
    }
}

pub(crate) fn all() -> Vec<State> {
    vec![
        whole(),
        catching_up(),
        stream_dead(),
        not_in_sync(),
        promoting(),
        diverged(),
        State {
            name: "silent",
            silence: true,
            over: "YES",
            ..healthy()
        },
        State {
            name: "phone",
            width: Some(360),
            height_max: 1500,
            scheme: Scheme::Dark,
            ..healthy()
        },
    ]
}
