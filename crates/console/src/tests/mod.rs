mod access;
mod live;
mod metrics;
mod page;

use crate::health::LagLimit;
use crate::{Alone, Console, Form, METRICS, Subject, Tokens, render_metrics, router};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use understudy_node::Scrape;
use understudy_node::meters::{Readings, ShardReadings, Times};
use understudy_node::status::{Receipt, Status, Verdict};
use understudy_types::ByteCount;

#[derive(Clone)]
struct Fixed {
    status: Status,
    primary: bool,
    ready: bool,
    alive: bool,
}

impl Subject for Fixed {
    fn scrape(&self) -> impl Future<Output = Scrape> + Send {
        std::future::ready(scrape(&self.status, self.primary))
    }
    fn status(&self) -> Status {
        self.status.clone()
    }
    fn is_primary_now(&self) -> bool {
        self.primary
    }
    fn is_ready(&self) -> bool {
        self.ready
    }
    fn is_alive(&self) -> bool {
        self.alive
    }
    fn receipts(&self) -> Result<Vec<Receipt>, String> {
        Ok(Vec::new())
    }
}

fn position(lsn: u64) -> Value {
    json!({ "lsn": lsn, "hash": format!("{lsn:064x}") })
}

fn common(node: &str, role: &str) -> Value {
    json!({
        "node": node, "data_id": "0".repeat(32), "cluster": "1".repeat(32), "cluster_name": "dev",
        "version": "0.1.0", "role": role, "promised_epoch": 3, "ack_policy": "local",
        "uptime_seconds": 12.5, "stream": null, "standbys": [], "loss_bound": null,
        "disk_free_bytes": 1000,
        "lease": {
            "epoch": 3, "state": "held", "holder": "alpha", "holder_replication": "127.0.0.1:2390",
            "ttl_seconds": 10.0, "seen_seconds_ago": 0.4, "store_answered_seconds_ago": 0.1,
            "remaining_seconds": null, "in_sync": ["bravo"], "ack_policy": "local", "handover_to": null
        },
        "shards": { "main": {
            "client_address": "127.0.0.1:2479", "flushed": position(98), "committed": 97, "applied": 97,
            "flushed_bytes": 4096, "state_memory_bytes": 512, "state_digest": "d", "primary": null,
            "lag": null, "quarantined_records": 2,
            "scrub": {
                "rate_bytes": 1_048_576, "pass_bytes": 300, "pass_done_bytes": 100, "passes": 3, "verified": 64,
                "last_pass_seconds_ago": 4.5, "damage": null
            }
        } }
    })
}

fn read(value: Value) -> Status {
    serde_json::from_value(value).unwrap()
}

fn standby() -> Value {
    let mut value = common("bravo", "standby");
    value["stream"] = json!({
        "state": "streaming", "primary": "alpha", "epoch": 3, "connected_seconds": 5.0,
        "heartbeat_age_seconds": 0.2, "round_trip_seconds": 0.001, "cause": null, "reconnects": 1,
        "condition": "CATCHING UP"
    });
    value["loss_bound"] =
        json!({ "recent": { "records_known": 2, "within": { "secs": 1, "nanos": 500_000_000 } } });
    value["shards"]["main"]["primary"] =
        json!({ "flushed": position(100), "committed": 99, "flushed_bytes": 5000 });
    value["shards"]["main"]["state"] = json!({
        "outcome": "diverged", "lsn": 96, "seconds_ago": 4.5, "digest": "d", "primary_digest": "e",
        "mismatches": 9, "not_comparable": 1
    });
    value["shards"]["main"]["lag"] = json!({
        "known": true, "records_received": 1, "records_flushed": 2, "records_applied": 3,
        "bytes_received": 90, "bytes_flushed": 904, "bytes_applied": 910,
        "seconds_received": 0.0, "seconds_flushed": 0.125, "seconds": 0.25
    });
    value["shards"]["main"]["received"] = json!(99);
    value["shards"]["main"]["received_bytes"] = json!(4910);
    value
}

fn primary() -> Value {
    let mut value = common("alpha", "primary");
    value["lease"]["remaining_seconds"] = json!(7.5);
    value["lease"]["ack_home"] = json!("store");
    value["certificates"] = json!([{
        "name": "node", "holder": "alpha", "expires_at_unix": 1_800_000_000, "seconds_left": 900_000,
        "problem": null
    }]);
    value["shards"]["main"]["slots"] = json!(12);
    value["standbys"] = json!([{
        "node": "bravo", "data_id": "2".repeat(32), "connected": false, "in_sync": false,
        "last_heard_seconds_ago": 40.0, "flushed": { "main": position(90) }, "records_behind": { "main": 8 }
    }]);
    value
}

fn times() -> Times {
    let millis = Duration::from_millis;
    Times {
        within: vec![(millis(1), 2), (millis(10), 3), (millis(1_000), 3)],
        count: 4,
        total: millis(1_500),
    }
}

fn readings(status: &Status) -> Readings {
    let shards = status.shards.keys().map(|name| {
        let shard = ShardReadings {
            flushes: times(),
            applies: times(),
            applied_records: 97,
        };
        (name.clone(), shard)
    });
    Readings {
        stream_ends: vec![("closed", 2), ("gap", 0)],
        chain_faults: vec![("gap", 1)],
        received_bytes: 904,
        round_trips: times(),
        lease_writes: times(),
        lease_conflicts: 1,
        switchovers: vec![("served", 3)],
        failovers: vec![("refused", 1)],
        last_promotion: Some(1_700_000_000_500),
        resyncs: vec![("diverged", 1)],
        io_failures: 5,
        shards: shards.collect(),
        switchover_seconds: Some(0.5),
        failover_seconds: Some(11.5),
        clock_offset_seconds: Some(-0.25),
    }
}

fn verdict(mode: &str, outcome: &str) -> Verdict {
    let verdict = json!({
        "node": "bravo", "mode": mode, "outcome": outcome, "loss_bound": null, "checks": [
            { "id": "P01", "outcome": "ok", "fact": "", "way_out": null },
            { "id": "P04", "outcome": outcome, "fact": "", "way_out": null }
        ]
    });
    serde_json::from_value(verdict).unwrap()
}

fn scrape(status: &Status, is_primary: bool) -> Scrape {
    let follows = status.stream.is_some();
    Scrape {
        readings: readings(status),
        status: status.clone(),
        is_primary,
        catchup_seconds: follows.then_some(f64::INFINITY),
        verdicts: match follows {
            true => vec![
                verdict("switchover", "ready"),
                verdict("failover", "refused"),
            ],
            false => Vec::new(),
        },
    }
}

fn exposition(status: Value, is_primary: bool) -> String {
    exposition_as(status, is_primary, Form::Plain)
}

fn exposition_as(status: Value, is_primary: bool, form: Form) -> String {
    render_metrics(&scrape(&read(status), is_primary), form)
}

/// The names of the families: each is announced by its type.
fn names_in(text: &str) -> BTreeSet<&str> {
    let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    typed.map(|line| line.split(' ').next().unwrap()).collect()
}

#[test]
fn every_metric_is_exposed_by_a_primary_or_a_standby() {
    let (first, second) = (exposition(standby(), false), exposition(primary(), true));
    let exposed: BTreeSet<&str> = names_in(&first)
        .union(&names_in(&second))
        .copied()
        .collect();
    let declared: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(exposed, declared);
    assert_eq!(declared.len(), METRICS.len(), "no name twice");
}

#[test]
fn metrics_page_lists_exactly_the_metrics_there_are() {
    let page = include_str!("../../../../docs/metrics.md");
    let documented: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| `understudy_"))
        .map(str::to_owned)
        .collect();
    let declared: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let labels = match metric.labels {
                [] => String::new(),
                labels => format!("{{{}}}", labels.join(",")),
            };
            format!(
                "| `{}{labels}` | {} | {} |",
                metric.name,
                metric.kind.word(),
                metric.help
            )
        })
        .collect();
    assert_eq!(documented, declared);
}

#[test]
fn standbys_exposition_is_as_expected() {
    let text = exposition(standby(), false);
    for line in [
        "understudy_role{role=\"standby\"} 1",
        "understudy_role{role=\"primary\"} 0",
        "understudy_position_records{shard=\"main\",stage=\"primary_durable\"} 100",
        "understudy_position_records{shard=\"main\",stage=\"received\"} 99",
        "understudy_position_records{shard=\"main\",stage=\"flushed\"} 98",
        "understudy_lag_records{shard=\"main\",stage=\"flushed\"} 2",
        "understudy_lag_seconds{stage=\"flushed\"} 0.125",
        "understudy_lag_seconds{stage=\"applied\"} 0.25",
        "understudy_lag_bytes{shard=\"main\",stage=\"received\"} 90",
        "understudy_standby_condition{condition=\"CATCHING UP\"} 1",
        "understudy_standby_condition{condition=\"UP TO DATE\"} 0",
        "understudy_catchup_eta_seconds +Inf",
        "understudy_promotable{for=\"switchover\"} 1",
        "understudy_promotable{for=\"failover\"} 0",
        "understudy_preflight_check{for=\"switchover\",check=\"P01\"} 0",
        "understudy_preflight_check{for=\"failover\",check=\"P04\"} 2",
        "understudy_promotion_eta_seconds{for=\"failover\"} 11.5",
        "understudy_clock_offset_seconds -0.25",
        "understudy_stream_reconnects_total{reason=\"closed\"} 2",
        "understudy_stream_reconnects_total{reason=\"gap\"} 0",
        "understudy_wal_fsync_seconds_bucket{shard=\"main\",le=\"0.001\"} 2",
        "understudy_wal_fsync_seconds_bucket{shard=\"main\",le=\"+Inf\"} 4",
        "understudy_wal_fsync_seconds_sum{shard=\"main\"} 1.5",
        "understudy_wal_fsync_seconds_count{shard=\"main\"} 4",
        "understudy_stream_rtt_seconds_bucket{le=\"0.01\"} 3",
        "understudy_promotions_total{kind=\"switchover\",result=\"served\"} 3",
        "understudy_last_promotion_timestamp_seconds 1700000000.5",
        "understudy_verified_position_records{shard=\"main\"} 64",
        "understudy_lag_known 1",
        "understudy_in_sync 1",
        "understudy_loss_bound_records 2",
        "understudy_loss_bound_seconds 1.5",
        "understudy_state_diverged{shard=\"main\"} 1",
        "understudy_state_compared_records{shard=\"main\"} 96",
        "understudy_digest_mismatches_total{shard=\"main\"} 9",
        "understudy_digests_not_comparable_total{shard=\"main\"} 1",
        "understudy_lease_valid 0",
        "# TYPE understudy_stream_reconnects_total counter",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn primary_exposes_no_lag_of_its_own() {
    let text = exposition(primary(), true);
    for name in [
        "understudy_lag_",
        "understudy_stream_connected",
        "understudy_stream_heartbeat",
        "understudy_stream_rtt",
        "understudy_stream_reconnects",
        "understudy_loss_bound_",
        "understudy_in_sync",
        "understudy_promotable",
        "understudy_preflight_check",
        "understudy_promotion_eta",
        "understudy_catchup_eta",
        "understudy_standby_condition",
        "understudy_received_bytes",
        "understudy_chain_errors",
    ] {
        assert!(!text.contains(name), "{name} in\n{text}");
    }
    assert!(text.contains("understudy_registered{standby=\"bravo\"} 1"));
    assert!(text.contains("understudy_peer_connected{standby=\"bravo\"} 0"));
    assert!(text.contains("understudy_ack_home{home=\"store\"} 1"));
    assert!(text.contains("understudy_ack_home{home=\"standbys\"} 0"));
    assert!(text.contains("understudy_slots{shard=\"main\"} 12"));
}

#[test]
fn standby_that_never_heard_its_primary_exposes_no_zero() {
    let mut value = standby();
    value["stream"]["state"] = json!("connecting");
    value["stream"]["heartbeat_age_seconds"] = json!(null);
    value["shards"]["main"]["primary"] = json!(null);
    value["shards"]["main"]["lag"] = json!(null);
    value["loss_bound"] = json!("unknown");
    let text = exposition(value, false);
    assert!(text.contains("understudy_lag_known 0"));
    assert!(!text.contains("understudy_lag_seconds"));
    assert!(!text.contains("understudy_stream_heartbeat_age_seconds"));
    assert!(text.contains("understudy_loss_bound_seconds +Inf"));
}

#[test]
fn lag_limits_are_times_records_or_bytes() {
    assert_eq!(
        LagLimit::parse("1s"),
        Ok(LagLimit::Time(Duration::from_secs(1)))
    );
    assert_eq!(LagLimit::parse("10000"), Ok(LagLimit::Records(10_000)));
    assert_eq!(
        LagLimit::parse("16MiB"),
        Ok(LagLimit::Bytes(ByteCount::mib(16)))
    );
    assert!(LagLimit::parse("much").is_err());
}

fn console(subject: &Fixed) -> Console<Fixed> {
    Console::new(
        subject.clone(),
        "127.0.0.1:2490".to_owned(),
        Arc::new(Alone),
        Tokens::default(),
    )
}

async fn ask(subject: &Fixed, method: Method, path: &str) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    router(console(subject))
        .oneshot(request)
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn load_balancers_get_yes_or_no_on_get_and_head() {
    let standby = Fixed {
        status: read(standby()),
        primary: false,
        ready: true,
        alive: true,
    };
    let primary = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: true,
    };
    for method in [Method::GET, Method::HEAD] {
        for (subject, path, expected) in [
            (&standby, "/live", 200),
            (&standby, "/ready", 200),
            (&standby, "/primary", 503),
            (&standby, "/standby", 200),
            (&standby, "/standby?max-lag=1s", 200),
            (&standby, "/standby?max-lag=100ms", 503),
            (&standby, "/standby?max-lag=2", 503),
            (&standby, "/standby?max-lag=1KiB", 200),
            (&standby, "/standby?max-lag=much", 400),
            (&primary, "/primary", 200),
            (&primary, "/standby", 503),
            (&primary, "/", 200),
            (&primary, "/status", 200),
            (&primary, "/metrics", 200),
        ] {
            let found = ask(subject, method.clone(), path).await;
            assert_eq!(found.as_u16(), expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn node_with_a_thread_that_hangs_is_not_live() {
    let subject = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: false,
    };
    assert_eq!(ask(&subject, Method::GET, "/live").await, 503);
    assert_eq!(ask(&subject, Method::GET, "/primary").await, 200);
}

#[tokio::test]
async fn unknown_lag_is_within_no_limit() {
    let mut value = standby();
    value["shards"]["main"]["lag"]["known"] = json!(false);
    let subject = Fixed {
        status: read(value),
        primary: false,
        ready: false,
        alive: true,
    };
    assert_eq!(ask(&subject, Method::GET, "/standby?max-lag=1h").await, 503);
    assert_eq!(ask(&subject, Method::GET, "/ready").await, 503);
}

#[tokio::test]
async fn claimed_epoch_is_answered_accepted() {
    let subject = Fixed {
        status: read(common("bravo", "claimed")),
        primary: false,
        ready: false,
        alive: true,
    };
    assert_eq!(ask(&subject, Method::GET, "/primary").await, 202);
}
