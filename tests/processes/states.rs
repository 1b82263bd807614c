//! Are both states the same: shown, compared key by key, made anew.

use rig::{Rig, RigOptions, Side, free_ports, until};
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Until bravo found its state equal to alpha's, of all that is written.
async fn wait_for_equal_states(rig: &Rig) -> u64 {
    until("both states are compared and equal", PATIENCE, || async {
        let primary = rig.status(Side::Alpha).await?;
        let standby = rig.status(Side::Bravo).await?;
        let applied = primary["shards"]["main"]["applied"].as_u64()?;
        let state = &standby["shards"]["main"]["state"];
        let equal = state["outcome"] == "equal" && state["lsn"].as_u64()? >= applied;
        equal.then_some(applied)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_shows_an_equal_state_and_makes_it_anew() {
    let rig = Rig::start(RigOptions::local()).await;
    let put = rig.etcdctl(Side::Alpha, &["put", "k", "v"]).await;
    put.expect_code(0);
    let applied = wait_for_equal_states(&rig).await;
    let standby = rig.replication(Side::Bravo).to_string();
    let status = rig.command(&["status", "--endpoint", &standby]).await;
    status.expect_said("state: equal at LSN");
    let check = rig.command(&["check", "--endpoint", &standby]).await;
    check.expect_code(0).expect_said("P06 state digest equals");

    let line = ["rebuild", "--endpoint", &standby, "-o", "json"];
    let rebuilt = rig.command(&line).await.expect_code(0).stdout;
    let rebuilt: Value = serde_json::from_str(&rebuilt).expect("JSON");
    assert!(rebuilt["shards"][0]["applied"].as_u64() >= Some(applied));
    wait_for_equal_states(&rig).await;
    let read = rig
        .etcdctl(Side::Bravo, &["get", "k", "--consistency=s"])
        .await;
    assert_eq!(read.expect_code(0).stdout, "k\nv\n");

    let primary = rig.replication(Side::Alpha).to_string();
    let refused = rig.command(&["rebuild", "--endpoint", &primary]).await;
    refused.expect_code(20).expect_said("E404");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_finds_the_keys_that_differ_and_none_where_none_do() {
    let [a, b] = free_ports();
    let options = RigOptions {
        more_shards: vec![("other", [a, b])],
        ..RigOptions::local()
    };
    let rig = Rig::start(options).await;
    // More than a page of keys.
    for key in 0..130 {
        let put = ["put", &format!("k{key:03}"), "v"].map(str::to_owned);
        let put = put.each_ref().map(String::as_str);
        rig.etcdctl(Side::Alpha, &put).await.expect_code(0);
    }
    wait_for_equal_states(&rig).await;
    let [alpha, bravo] = Side::BOTH.map(|side| rig.clients(side).to_string());
    let pair = format!("{alpha},{bravo}");
    let same = rig.command(&["diff", "--endpoints", &pair]).await;
    same.expect_code(0).expect_said("130 keys equal, 0 differ");

    // Another shard has other keys, at as many revisions.
    let other = a.to_string();
    for (key, value) in [("k000", "v"), ("k001", "x")] {
        let put = [&format!("--endpoints={other}"), "put", key, value];
        let mut command = std::process::Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(put);
        rig::run(command).await.expect_code(0);
    }
    let line = [
        "diff",
        "--endpoints",
        &format!("{alpha},{other}"),
        "-o",
        "json",
    ];
    let found = rig.command(&line).await.expect_code(30).stdout;
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!((&found["equal"], &found["differ"]), (&1.into(), &1.into()));
    assert_eq!(found["revision"], 3);
    assert_eq!(found["first"][0]["key"], "\"k001\"");
    assert_eq!(found["first"][0]["fields"][0]["name"], "value");

    let gone = rig.command(&["diff", "--endpoints", "127.0.0.1:1,127.0.0.1:1"]);
    gone.await.expect_code(1);
}
