use rig::drill::{loss_bound, wait_for_more};
use rig::returning::{self, ReturningOptions};
use rig::{
    Link, Rig, RigOptions, SampledWriters, Shape, Side, Signal, Wire, expect_verified, load_on,
    until, verified,
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use understudy_loadgen::{Recorder, RecorderOptions};

const PATIENCE: Duration = Duration::from_secs(20);

/// A pair whose wire between alpha and bravo can be cut.
async fn linked(options: RigOptions) -> (Rig, Link) {
    let (mut rig, link) = Rig::prepare_over(Shape::default(), options).await;
    rig.bring_up().await;
    (rig, link)
}

async fn quarantined(rig: &Rig, side: Side) -> Vec<Value> {
    let data = rig.data(side);
    let data = data.to_str().expect("a path of ASCII");
    let answer = rig
        .command(&["quarantine", "list", "--data", data, "-o", "json"])
        .await
        .expect_code(0);
    serde_json::from_str(&answer.stdout).expect("a list")
}

#[tokio::test(flavor = "multi_thread")]
async fn divergent_tail_of_the_old_primary_lies_in_quarantine() {
    let (mut rig, link) = linked(RigOptions::local()).await;
    let shared = rig.etcdctl(Side::Alpha, &["put", "shared", "1"]).await;
    shared.expect_code(0);
    rig.wait_for_equal_heads().await;
    link.set(Wire::Cut);
    for number in 0..10 {
        let key = format!("alone/{number}");
        rig.etcdctl(Side::Alpha, &["put", &key, "x"])
            .await
            .expect_code(0);
    }
    let epoch = rig.epoch().await;
    rig.kill_node(Side::Alpha);
    rig.failover(Side::Bravo, epoch, &[])
        .await
        .expect_code(20)
        .expect_said("E303");
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "60"])
        .await
        .expect_code(0);
    link.set(Wire::Whole);
    rig.start_node(Side::Alpha);
    rig.wait_for_standby(Side::Alpha).await;
    rig.wait_for_equal_heads().await;

    let tails = quarantined(&rig, Side::Alpha).await;
    assert_eq!(tails.len(), 1, "{tails:?}");
    let data = rig.data(Side::Alpha);
    let line = ["quarantine", "show", "--data", data.to_str().unwrap()];
    let shown = rig.command(&line).await.expect_code(0).stdout;
    let alone = shown.lines().filter(|line| line.contains("Put")).count();
    assert_eq!(alone, 10, "{shown}");
    let endpoint = rig.clients(Side::Bravo).to_string();
    let data = data.to_str().unwrap();
    let line = [
        "quarantine",
        "diff",
        "--data",
        data,
        "--endpoint",
        &endpoint,
    ];
    let compared = rig.command(&line).await.expect_code(30);
    compared.expect_said("0 keys as the tail left them, 0 differ, 10 missing");
    let kept = rig.etcdctl(Side::Bravo, &["get", "--prefix", ""]).await;
    assert_eq!(kept.expect_code(0).stdout, "shared\n1\n");
    // Alpha has answered with revisions up to 12; none of them is given again.
    let put = rig.etcdctl(Side::Bravo, &["put", "after", "1", "-w", "json"]);
    let put: Value = serde_json::from_str(&put.await.expect_code(0).stdout).expect("JSON");
    let revision = put["header"]["revision"].as_i64();
    assert!(revision > Some(1 << 40), "{put}");
}

#[tokio::test(flavor = "multi_thread")]
async fn living_old_primary_takes_its_divergent_records_back_and_follows() {
    let returned = returning::run(&ReturningOptions {
        keys: 2_000,
        divergent: 10_000,
        value_size: 128,
    })
    .await;
    assert_eq!((returned.rolled_back, returned.made_anew), (1, 0));
    assert!(returned.quarantined >= 10_000, "{returned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cut_link_costs_is_within_the_stated_bound_and_in_quarantine() {
    let (mut rig, link) = linked(RigOptions::local()).await;
    let writers = SampledWriters::start(&rig, Side::Alpha, 4);
    wait_for_more(&writers, 200).await;
    link.set(Wire::Cut);
    wait_for_more(&writers, 200).await;
    let epoch = rig.epoch().await;
    rig.kill_node(Side::Alpha);
    let stated = Instant::now();
    let bound = loss_bound(&rig, Side::Bravo, epoch).await;
    let bound = bound.expect("bravo has heard alpha");
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "60"])
        .await
        .expect_code(0);
    wait_for_more(&writers, 20).await;
    let findings = writers
        .stop()
        .await
        .compare(&rig, Side::Bravo, stated)
        .await;
    assert_eq!(findings.doubled + findings.otherwise_wrong, 0);
    assert!(findings.missing >= 200, "{findings:?}");
    let oldest = findings.oldest_missing.expect("something is missing");
    assert!(oldest <= bound, "{oldest:?} is beyond {bound:?}");

    link.set(Wire::Whole);
    rig.start_node(Side::Alpha);
    rig.wait_for_standby(Side::Alpha).await;
    let status = rig.status(Side::Alpha).await.expect("alpha runs");
    let kept = status["shards"]["main"]["quarantined_records"].as_u64();
    assert!(kept >= Some(findings.missing), "{kept:?} of {findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_primary_acknowledges_nothing_after_its_deadline_and_follows() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let patient = RecorderOptions {
        connect_timeout: Duration::from_secs(30),
        call_timeout: Duration::from_secs(30),
        ..load_on(&rig, &[Side::Alpha])
    };
    let before = Recorder::start(&patient).unwrap();
    assert!(before.wait_for_acked(200, PATIENCE).await);
    let epoch = rig.epoch().await;
    rig.node(Side::Alpha).signal(Signal::STOP);
    // These lie in alpha's sockets when it wakes up.
    let during = Recorder::start(&patient).unwrap();
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "60"])
        .await
        .expect_code(0);
    rig.etcdctl(Side::Bravo, &["put", "of the new epoch", "1"])
        .await
        .expect_code(0);
    rig.node(Side::Alpha).signal(Signal::CONT);
    rig.wait_for_standby(Side::Alpha).await;
    assert!(before.wait_for_acked(50, PATIENCE).await);
    assert!(during.wait_for_acked(50, PATIENCE).await);
    // Whatever was acknowledged after the freeze is there.
    let writes = during.stop().await;
    expect_verified(&rig, &writes, &[Side::Bravo]).await;
    // What was acknowledged just before it may not have been sent yet: that
    // is what `local` means. Then it lies in quarantine, every record of it.
    let writes = before.stop().await;
    let verification = verified(&rig, &writes, Side::Bravo).await;
    let status = rig.status(Side::Alpha).await.expect("alpha runs");
    let kept = status["shards"]["main"]["quarantined_records"].as_u64();
    let missing = verification.missing.count;
    assert!(
        kept >= Some(missing),
        "{kept:?} in quarantine, {verification:?}"
    );
    assert_eq!(verification.doubled.count, 0, "{verification:?}");
    assert_eq!(verification.altered.count, 0, "{verification:?}");
    rig.wait_for_equal_heads().await;
    assert_eq!(rig.epoch().await, epoch + 1);
}

#[tokio::test]
async fn failover_after_a_released_lease_waits_for_nothing() {
    let options = RigOptions {
        ttl: "20s".to_owned(),
        ..RigOptions::local()
    };
    let mut rig = Rig::start(options).await;
    rig.etcdctl(Side::Alpha, &["put", "k", "v"])
        .await
        .expect_code(0);
    let epoch = rig.epoch().await;
    rig.stop_node(Side::Alpha).await;
    until("bravo sees the release", PATIENCE, || async {
        let status = rig.status(Side::Bravo).await?;
        (status["lease"]["state"] == "released").then_some(())
    })
    .await;
    let asked = Instant::now();
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "unknown"])
        .await
        .expect_code(0);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let kept = rig.etcdctl(Side::Bravo, &["get", "k"]).await;
    assert_eq!(kept.expect_code(0).stdout, "k\nv\n");
}
