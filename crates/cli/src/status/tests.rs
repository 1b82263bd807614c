use super::judge::exit_of;
use super::render::render;
use super::{NodeAnswer, PairReport};
use crate::exit::Exit;
use serde_json::{Value, json};

fn position(lsn: u64) -> Value {
    json!({ "lsn": lsn, "hash": format!("{lsn:08x}{}", "0".repeat(56)) })
}

fn common(node: &str, role: &str) -> Value {
    json!({
        "node": node, "data_id": "0".repeat(32), "cluster": "1".repeat(32), "cluster_name": "dev",
        "version": "0.1.0", "role": role, "promised_epoch": 3, "ack_policy": "replicated",
        "failover": "manual", "uptime_seconds": 125.0, "stream": null, "standbys": [], "loss_bound": null,
        "disk_free_bytes": null,
        "lease": {
            "epoch": 3, "state": "held", "holder": "alpha", "holder_replication": "127.0.0.1:2390",
            "ttl_seconds": 10.0, "seen_seconds_ago": 0.8, "store_answered_seconds_ago": 0.1,
            "remaining_seconds": null, "in_sync": ["bravo"], "ack_policy": "replicated", "handover_to": null
        },
        "shards": { "main": {
            "client_address": "127.0.0.1:2379", "flushed": position(18_204_511), "committed": 18_204_511,
            "applied": 18_204_511, "flushed_bytes": 4096, "state_memory_bytes": 512,
            "state_digest": "d", "primary": null, "lag": null, "quarantined_records": 0
        } }
    })
}

fn primary() -> Value {
    let mut value = common("alpha", "primary");
    value["lease"]["remaining_seconds"] = json!(8.2);
    value
}

fn standby() -> Value {
    let mut value = common("bravo", "standby");
    value["stream"] = json!({
        "state": "streaming", "primary": "alpha", "epoch": 3, "connected_seconds": 120.0,
        "heartbeat_age_seconds": 0.21, "round_trip_seconds": 0.031, "cause": null, "reconnects": 0
    });
    value["loss_bound"] = json!("nothing");
    value["shards"]["main"]["primary"] =
        json!({ "flushed": position(18_204_511), "committed": 18_204_511, "flushed_bytes": 4096 });
    value["shards"]["main"]["state"] = json!({
        "outcome": "equal", "lsn": 18_204_500, "seconds_ago": 0.4, "digest": null,
        "primary_digest": null, "mismatches": 0, "not_comparable": 0
    });
    value["shards"]["main"]["lag"] = json!({
        "known": true, "records_received": 0, "records_flushed": 0, "records_applied": 0,
        "bytes_flushed": 0, "seconds": 0.0
    });
    value
}

fn answered(endpoint: &str, status: Value) -> NodeAnswer {
    let status = Some(serde_json::from_value(status).unwrap());
    NodeAnswer {
        endpoint: endpoint.into(),
        status,
        error: None,
    }
}

fn silent(endpoint: &str) -> NodeAnswer {
    let error = Some("Connection refused (os error 111)".into());
    NodeAnswer {
        endpoint: endpoint.into(),
        status: None,
        error,
    }
}

fn report(nodes: Vec<NodeAnswer>) -> PairReport {
    PairReport { nodes }
}

/// Alpha leads, bravo streams.
pub(crate) fn pair() -> PairReport {
    let nodes = vec![
        answered("127.0.0.1:2390", primary()),
        answered("127.0.0.1:2490", standby()),
    ];
    PairReport { nodes }
}

/// Bravo alone, so many records behind.
pub(crate) fn standby_behind(records: u64, known: bool) -> PairReport {
    let mut value = standby();
    value["shards"]["main"]["lag"]["records_applied"] = json!(records);
    value["shards"]["main"]["lag"]["known"] = json!(known);
    let nodes = vec![answered("127.0.0.1:2490", value)];
    PairReport { nodes }
}

#[test]
fn healthy_pair_is_shown_on_one_screen() {
    let pair = report(vec![
        answered("127.0.0.1:2390", primary()),
        answered("127.0.0.1:2490", standby()),
    ]);
    let expected = "\
CLUSTER dev   epoch 3   primary alpha   lease held (ok for 8.20 s, ttl 10 s)   policy replicated   in sync: bravo
PRIMARY alpha   up 2 m 05 s
  shard                clients         flushed         applied                                      chain
  main          127.0.0.1:2379      18 204 511      18 204 511                                      0115c75f
STANDBY bravo   STREAMING from alpha   link up 2 m 00 s   heartbeat 0.21 s ago   rtt 0.03 s
  shard                primary         flushed         applied     lag rec   lag bytes    lag time  chain
  main              18 204 511      18 204 511      18 204 511           0         0 B      0.00 s  ✓ 0115c75f
              state: equal at LSN 18 204 500, 0.40 s ago
IF bravo WERE PROMOTED NOW   could lose: no acknowledged write   failover manual
";
    assert_eq!(render(&pair), expected);
    assert_eq!(exit_of(&pair), Exit::Done);
}

#[test]
fn lag_behind_a_dead_primary_is_a_lower_bound_never_zero() {
    let mut value = standby();
    value["stream"]["state"] = json!("connecting");
    value["stream"]["connected_seconds"] = json!(null);
    value["stream"]["heartbeat_age_seconds"] = json!(252.4);
    value["stream"]["cause"] = json!("Connection refused");
    value["shards"]["main"]["lag"]["known"] = json!(false);
    value["shards"]["main"]["lag"]["seconds"] = json!(251.4);
    value["loss_bound"] =
        json!({ "recent": { "records_known": 0, "within": { "secs": 252, "nanos": 0 } } });
    let pair = report(vec![
        silent("127.0.0.1:2390"),
        answered("127.0.0.1:2490", value),
    ]);
    let expected = "\
CLUSTER dev   epoch 3   primary alpha   lease held (unchanged for 0.80 s, ttl 10 s)   policy replicated   in sync: bravo
HOLDER alpha NOT REACHABLE at 127.0.0.1:2390   cause: Connection refused (os error 111)
STANDBY bravo   NOT STREAMING (connecting) from alpha   heartbeat 4 m 12 s ago   rtt 0.03 s
  cause: Connection refused
  lag: UNKNOWN, at least 4 m 12 s of the primary's activity unseen
  shard                primary         flushed         applied     lag rec   lag bytes    lag time  chain
  main              18 204 511      18 204 511      18 204 511         ≥ 0       ≥ 0 B  ≥ 251.40 s  ✓ 0115c75f
              state: equal at LSN 18 204 500, 0.40 s ago
IF bravo WERE PROMOTED NOW   could lose: writes acknowledged in the last 252.1 s (0 records known to be missing)   failover manual
";
    assert_eq!(render(&pair), expected);
    assert_eq!(exit_of(&pair), Exit::Warnings);
}

#[test]
fn standby_that_is_not_up_to_date_says_so_in_a_word() {
    let told = |condition: &str, catchup: Value| {
        let mut value = standby();
        value["stream"]["condition"] = json!(condition);
        value["stream"]["catchup_seconds"] = catchup;
        render(&report(vec![
            answered("a", primary()),
            answered("b", value),
        ]))
    };
    let catching_up = told("CATCHING UP", json!(12.0));
    assert!(
        catching_up.contains("CATCHING UP, about 12"),
        "{catching_up}"
    );
    assert!(told("APPLY STALLED", json!(null)).contains("  APPLY STALLED\n"));
    assert!(!told("UP TO DATE", json!(0.0)).contains("UP TO DATE"));
}

#[test]
fn diverged_state_is_shown_and_is_no_healthy_pair() {
    let mut value = standby();
    value["shards"]["main"]["state"] = json!({
        "outcome": "diverged", "lsn": 18_204_500, "seconds_ago": 4.0, "digest": "a".repeat(64),
        "primary_digest": "b".repeat(64), "mismatches": 9, "not_comparable": 0
    });
    let pair = report(vec![
        answered("127.0.0.1:2390", primary()),
        answered("127.0.0.1:2490", value),
    ]);
    let line = "state: DIVERGED at LSN 18 204 500, 4.00 s ago: here aaaaaaaa, primary bbbbbbbb (understudy diff, understudy rebuild)";
    assert!(render(&pair).contains(line), "{}", render(&pair));
    assert_eq!(exit_of(&pair), Exit::Warnings);
}

#[test]
fn state_that_is_made_anew_says_how_far_it_is() {
    let mut value = standby();
    value["shards"]["main"]["remaking"] =
        json!({ "records_done": 12_000, "records_total": 18_204_511 });
    let pair = report(vec![answered("127.0.0.1:2490", value)]);
    let line = "state: is made anew, 12 000 of 18 204 511 records are in it";
    assert!(render(&pair).contains(line), "{}", render(&pair));
}

#[test]
fn state_that_was_not_compared_is_unknown() {
    for (not_comparable, told) in [
        (0, "state: UNKNOWN, not compared with the primary's yet"),
        (
            3,
            "state: UNKNOWN, 3 digests of the primary could not be compared",
        ),
    ] {
        let mut value = standby();
        value["shards"]["main"]["state"] = json!({
            "outcome": "unknown", "lsn": null, "seconds_ago": null, "digest": null,
            "primary_digest": null, "mismatches": 0, "not_comparable": not_comparable
        });
        let text = render(&report(vec![answered("127.0.0.1:2490", value)]));
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn standby_that_never_heard_the_primary_shows_unknown() {
    let mut value = standby();
    value["stream"]["state"] = json!("connecting");
    value["stream"]["heartbeat_age_seconds"] = json!(null);
    value["shards"]["main"]["primary"] = json!(null);
    value["shards"]["main"]["lag"] = json!(null);
    value["loss_bound"] = json!("unknown");
    let text = render(&report(vec![answered("127.0.0.1:2490", value)]));
    assert!(text.contains("heartbeat never"), "{text}");
    assert!(text.contains("unknown     unknown"), "{text}");
    assert!(
        text.contains("could lose: unknown: the primary has not yet said where it stands"),
        "{text}"
    );
}

#[test]
fn standby_that_is_away_stays_on_the_primarys_screen() {
    let mut value = primary();
    value["standbys"] = json!([{
        "node": "bravo", "data_id": "2".repeat(32), "connected": false, "in_sync": true,
        "last_heard_seconds_ago": null, "flushed": {}, "records_behind": {}
    }]);
    let pair = report(vec![
        answered("127.0.0.1:2390", value),
        silent("127.0.0.1:2490"),
    ]);
    let text = render(&pair);
    assert!(
        text.contains("STANDBY bravo AWAY (as alpha sees it)   last heard unknown"),
        "{text}"
    );
    assert_eq!(exit_of(&pair), Exit::Warnings);
}

#[test]
fn acknowledgements_that_rest_in_the_store_are_said_so() {
    let mut value = primary();
    value["lease"]["in_sync"] = json!([]);
    value["lease"]["ack_home"] = json!("store");
    value["shards"]["main"]["slots"] = json!(1024);
    let text = render(&report(vec![answered("127.0.0.1:2390", value)]));
    let home = "NOBODY IN SYNC: acknowledged writes rest in the object store\n";
    assert!(text.contains(home), "{text}");
    assert!(text.contains("1 024 slots in the object store\n"), "{text}");
}

#[test]
fn diverged_standby_shows_on_the_primarys_screen_when_it_does_not_answer() {
    let mut value = primary();
    value["standbys"] = json!([{
        "node": "bravo", "data_id": "2".repeat(32), "connected": true, "in_sync": true,
        "last_heard_seconds_ago": 0.1, "state_diverged": true, "flushed": {}, "records_behind": {}
    }]);
    let pair = report(vec![
        answered("127.0.0.1:2390", value),
        silent("127.0.0.1:2490"),
    ]);
    let text = render(&pair);
    assert!(text.contains("state DIVERGED"), "{text}");
}

#[test]
fn damaged_log_is_shown_and_is_no_healthy_pair() {
    let mut value = standby();
    let damage = "shards/main/1.seg is damaged at byte 5000: expected a, found b";
    value["shards"]["main"]["scrub"] = json!({
        "rate_bytes": 1, "pass_bytes": 2, "pass_done_bytes": 1, "passes": 0,
        "last_pass_seconds_ago": null, "damage": damage
    });
    let pair = report(vec![
        answered("127.0.0.1:2390", primary()),
        answered("127.0.0.1:2490", value),
    ]);
    let line = format!("log: DAMAGED: {damage}");
    assert!(render(&pair).contains(&line), "{}", render(&pair));
    assert_eq!(exit_of(&pair), Exit::Warnings);
}

#[test]
fn no_answer_at_all_is_a_failure_with_a_hint() {
    let pair = report(vec![silent("127.0.0.1:2390"), silent("127.0.0.1:2490")]);
    assert!(render(&pair).contains("no node answers: is one running?"));
    assert_eq!(exit_of(&pair), Exit::Failed);
}

#[test]
fn answers_of_two_clusters_are_pointed_out() {
    let mut other = standby();
    other["cluster"] = json!("3".repeat(32));
    let pair = report(vec![
        answered("127.0.0.1:2390", primary()),
        answered("127.0.0.1:2490", other),
    ]);
    assert!(render(&pair).starts_with("WARNING  the answers come from different clusters"));
}

#[test]
fn automatic_failover_that_nobody_has_acknowledged_is_a_warning_on_the_screen() {
    let mut value = standby();
    value["failover"] = json!("automatic");
    value["hold_off_seconds"] = json!(10.0);
    value["lease"]["unacknowledged_epoch"] = json!(3);
    let text = render(&report(vec![answered("127.0.0.1:2490", value)]));
    assert!(
        text.contains(
            "WARNING  epoch 3 was taken by an automatic failover: no other happens until understudy acknowledge --expect-epoch 3\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("failover automatic (hold-off 10 s)\n"),
        "{text}"
    );
}
