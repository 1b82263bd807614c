//! Maintenance mode, as an etcd client meets it.

use rig::{Rig, RigOptions, Side, until};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

async fn switch(rig: &Rig, sides: &[Side], arguments: &[&str], code: i32) {
    let endpoints: Vec<_> = sides
        .iter()
        .map(|side| format!("--endpoint={}", rig.replication(*side)))
        .collect();
    let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
    let line = [&["maintenance"], arguments, &endpoints].concat();
    rig.command(&line).await.expect_code(code);
}

async fn put(rig: &Rig, side: Side) -> rig::Answer {
    rig.etcdctl(side, &["put", "k", "v"]).await
}

#[tokio::test]
async fn primary_in_maintenance_reads_refuses_writes_and_goes_on_leading_over_restart_and_switchover()
 {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    put(&rig, Side::Alpha).await.expect_code(0);
    let on = ["on", "--reason", "export of everything"];
    switch(&rig, &Side::BOTH, &on, 0).await;
    let refused = put(&rig, Side::Alpha).await;
    assert_ne!(refused.code, Some(0));
    refused.expect_said("code = Unavailable desc = understudy: maintenance is on");
    let read = rig.etcdctl(Side::Alpha, &["get", "k"]).await;
    assert_eq!(read.expect_code(0).stdout, "k\nv\n");
    let through_standby = rig.etcdctl(Side::Bravo, &["get", "k"]).await;
    assert_eq!(through_standby.expect_code(0).stdout, "k\nv\n");
    let lines = ["--command-timeout=20s", "put", "k", "relayed"];
    let relayed = rig.etcdctl(Side::Bravo, &lines).await;
    assert_ne!(relayed.code, Some(0));
    relayed.expect_said("maintenance is on");

    rig.stop_node(Side::Alpha).await;
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    assert_ne!(
        put(&rig, Side::Alpha).await.code,
        Some(0),
        "after a restart"
    );
    rig.wait_for_standby(Side::Bravo).await;
    let epoch = rig.epoch().await;
    let moved = rig.switchover(Side::Bravo, epoch).await;
    moved.expect_code(0).expect_said("maintenance is on");
    assert_ne!(
        put(&rig, Side::Bravo).await.code,
        Some(0),
        "on the other node"
    );
    let status = rig.status(Side::Bravo).await.expect("a status");
    assert_eq!(status["maintenance"]["reason"], "export of everything");
    rig.command(&["status", "--config", &rig.file(Side::Bravo)])
        .await
        .expect_said("MAINTENANCE: bravo refuses writes");

    switch(&rig, &Side::BOTH, &["off"], 0).await;
    put(&rig, Side::Bravo).await.expect_code(0);
    let endpoint = rig.replication(Side::Bravo).to_string();
    until("both acts are in the log", PATIENCE, || async {
        let audit = rig.command(&["audit", "--endpoint", &endpoint]).await;
        let said = |text: &str| audit.stdout.contains(text);
        (said("maintenance_on") && said("maintenance_off") && said("export")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn node_that_could_not_be_told_is_named_and_warned_of_by_the_verdict() {
    let mut rig = Rig::start(RigOptions::local()).await;
    rig.stop_node(Side::Bravo).await;
    let on = ["on", "--reason", "x"];
    switch(&rig, &Side::BOTH, &on, 10).await;
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    let endpoint = rig.replication(Side::Bravo).to_string();
    until(
        "the standby knows of its primary's maintenance",
        PATIENCE,
        || async {
            let line = ["check", "--for", "switchover", "--endpoint", &endpoint];
            let verdict = rig.command(&line).await;
            let warns = verdict.stdout.contains("maintenance is on at the primary");
            (warns && verdict.code == Some(10)).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn parity_is_equal_until_one_node_is_in_maintenance_and_refuses_where_one_is_silent() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let endpoints = Side::BOTH.map(|side| format!("--endpoint={}", rig.replication(side)));
    let [alpha, bravo] = &endpoints;
    let line = ["parity", alpha, bravo];
    rig.command(&line).await.expect_code(0);
    // The standby is not known to whoever is asked: it is not told.
    switch(&rig, &[Side::Alpha], &["on", "--reason", "x"], 10).await;
    let differs = rig.command(&line).await.expect_code(10);
    differs.expect_said("maintenance  alpha on, bravo off");
    let json = rig.command(&["parity", "-o", "json", alpha, bravo]).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json[0]["outcome"], "equal");
    // Nobody answers there as a node does, so it is not compared.
    let stranger = format!("--endpoint={}", rig.clients(Side::Alpha));
    let silent = rig.command(&["parity", alpha, bravo, &stranger]).await;
    silent
        .expect_code(10)
        .expect_said("WARNING  a node that was named");
    rig.kill_node(Side::Bravo);
    rig.command(&line).await.expect_code(20).expect_said("E802");
}
