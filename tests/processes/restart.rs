//! A primary that comes back to its own lease.

use rig::{PATIENCE, Rig, RigOptions, Side, expect_verified, recording, until};

/// F26, F27: what it acknowledged is on its disk; its epoch is a new one.
#[tokio::test(flavor = "multi_thread")]
async fn killed_primary_that_restarts_takes_a_new_epoch_and_has_all_that_it_acknowledged() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let mut epoch = rig.epoch().await;
    for _ in 0..3 {
        let recorder = recording(&rig, &[Side::Alpha], 150).await;
        rig.kill_node(Side::Alpha);
        rig.start_node(Side::Alpha);
        rig.wait_for_primary(Side::Alpha).await;
        assert!(recorder.wait_for_acked(20, PATIENCE).await);
        let writes = recorder.stop().await;
        rig.wait_for_standby(Side::Bravo).await;
        rig.wait_for_equal_heads().await;
        expect_verified(&rig, &writes, &Side::BOTH).await;
        let now = rig.epoch().await;
        assert!(now > epoch, "{epoch} → {now}");
        epoch = now;
    }
}

/// F29: an empty disk serves nothing, and nobody follows it.
#[tokio::test(flavor = "multi_thread")]
async fn primary_with_a_blank_disk_never_serves_and_is_not_followed() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    let epoch = rig.epoch().await;
    rig.kill_node(Side::Alpha);
    let writes = recorder.stop().await;
    std::fs::remove_dir_all(rig.data(Side::Alpha)).expect("a data root");
    rig.start_node(Side::Alpha);
    let data = rig.data(Side::Alpha);
    until("alpha has made a root, or ended", PATIENCE, || async {
        data.exists().then_some(())
    })
    .await;
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "unknown"])
        .await
        .expect_code(0);
    rig.wait_for_primary(Side::Bravo).await;
    assert!(!rig.is_primary(Side::Alpha).await);
    rig.wait_for_standby(Side::Alpha).await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &Side::BOTH).await;
}
