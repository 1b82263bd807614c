//! Activations that do not go through.

use rig::{PATIENCE, Process, Rig, RigOptions, Side, Signal, expect_verified, recording, until};

/// F52: it has the epoch and may not serve yet when it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn standby_killed_between_claim_and_hold_finishes_its_promotion() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    let epoch = rig.epoch().await;
    rig.kill_node(Side::Alpha);
    let writes = recorder.stop().await;
    let (expected, file) = (epoch.to_string(), rig.file(Side::Bravo));
    let line = ["failover", "--to", "bravo", "--yes", rig::CLUSTER];
    let rest = ["--expect-epoch", &expected, "--config", &file];
    let accept = ["--accept-loss", "unknown"];
    let mut command = rig.understudy(&[&line[..], &rest[..], &accept[..]].concat());
    let log = rig.path().join("failover.log");
    let asking = Process::start("the failover", &mut command, &log);
    until("bravo has claimed the epoch", PATIENCE, || async {
        let lease = &rig.status(Side::Bravo).await?["lease"];
        (lease["state"] == "claimed").then_some(())
    })
    .await;
    rig.kill_node(Side::Bravo);
    asking.kill();
    rig.start_node(Side::Bravo);
    rig.wait_for_primary(Side::Bravo).await;
    rig.start_node(Side::Alpha);
    rig.wait_for_standby(Side::Alpha).await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &Side::BOTH).await;
}

/// F63, F50: the target does not confirm, and comes too late.
#[tokio::test(flavor = "multi_thread")]
async fn switchover_to_a_frozen_target_leaves_the_primary_in_its_epoch() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    let epoch = rig.epoch().await;
    rig.node(Side::Bravo).signal(Signal::STOP);
    let answer = rig.switchover(Side::Bravo, epoch).await;
    assert_ne!(answer.code, Some(0), "{answer:?}");
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    rig.node(Side::Bravo).signal(Signal::CONT);
    rig.wait_for_standby(Side::Bravo).await;
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    assert!(rig.is_primary(Side::Alpha).await);
    assert_eq!(rig.epoch().await, epoch);
    let writes = recorder.stop().await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
}

/// F50: the flag of an epoch that is over still lies in the store.
#[tokio::test]
async fn flag_of_an_old_epoch_moves_nobody_after_a_restart() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(0);
    rig.wait_for_standby(Side::Alpha).await;
    // Bravo is killed as primary: its own lease makes alpha wait.
    rig.kill_node(Side::Bravo);
    rig.failover(Side::Alpha, epoch + 1, &["--accept-loss", "unknown"])
        .await
        .expect_code(0);
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    for side in [Side::Bravo, Side::Alpha] {
        rig.stop_node(side).await;
        rig.start_node(side);
        rig.wait_for_primary(Side::Alpha).await;
        rig.wait_for_standby(Side::Bravo).await;
    }
    assert!(!rig.is_primary(Side::Bravo).await);
}
