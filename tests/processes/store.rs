use rig::{ACCESS_KEY, Rig, RigOptions, SECRET_KEY, Side, expect_verified, recording, until};
use std::time::Duration;
use tokio::sync::oneshot;
use understudy_devstore::{DevStore, DevStoreConfig, Lie, Mode};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn node_waits_for_a_store_that_is_down_and_goes_on() {
    let mut rig = Rig::prepare(RigOptions::local()).await;
    rig.start_store();
    rig.found().await;
    rig.kill_store();
    rig.start_node(Side::Alpha);
    let alpha = &*rig.node(Side::Alpha);
    until("alpha says that it waits", PATIENCE, || async {
        alpha.said().contains("store").then_some(())
    })
    .await;
    assert!(rig.node(Side::Alpha).is_running());
    assert!(!rig.is_primary(Side::Alpha).await);
    rig.start_store();
    rig.wait_for_primary(Side::Alpha).await;
    rig.etcdctl(Side::Alpha, &["put", "k", "v"])
        .await
        .expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn primary_without_its_store_falls_silent_and_serves_again() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    rig.kill_store();
    until("alpha's lease runs out", PATIENCE, || async {
        (!rig.is_primary(Side::Alpha).await).then_some(())
    })
    .await;
    let silent = recorder.acked();
    let refused = rig.etcdctl(Side::Alpha, &["put", "k", "v", "--command-timeout=20s"]);
    let refused = refused.await;
    assert_ne!(refused.code, Some(0));
    refused.expect_said("Unavailable");
    assert_eq!(recorder.acked(), silent);
    rig.start_store();
    rig.wait_for_primary(Side::Alpha).await;
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    let writes = recorder.stop().await;
    // UNAVAILABLE, or on a busy machine the writer's own limit before it.
    assert!(!writes.failures().is_empty(), "the silence was noticed");
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
    let after = rig.epoch().await;
    assert!(after == epoch || after == epoch + 1, "{epoch} → {after}");
}

#[tokio::test]
async fn store_that_lies_about_conditions_is_refused() {
    for lie in [Lie::IgnoresConditions, Lie::CreatesTwice, Lie::KeepsETag] {
        let rig = Rig::prepare(RigOptions::local()).await;
        let directory = rig.path().join("store");
        let config = DevStoreConfig {
            mode: Mode::Lies(lie),
            ..DevStoreConfig::new(rig.ports.store, directory, ACCESS_KEY, SECRET_KEY)
        };
        let store = DevStore::bind(config).await.expect("the store's port");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(store.serve(async {
            // Its sender's drop ends it too.
            let _ = stopped.await;
        }));
        let founded = rig
            .command(&["init", "--config", &rig.file(Side::Alpha)])
            .await;
        assert_ne!(founded.code, Some(0), "{lie:?}");
        founded.expect_said("E106");
        let run = rig
            .command(&["run", "--config", &rig.file(Side::Alpha)])
            .await;
        assert_ne!(run.code, Some(0), "{lie:?}");
        run.expect_said("E106");
        drop(stop);
        serving.await.expect("the store ends");
    }
}
