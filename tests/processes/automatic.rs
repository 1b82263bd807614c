use rig::{Rig, RigOptions, Side, until};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The epoch that nobody has acknowledged, as the side sees it.
async fn unacknowledged(rig: &Rig, side: Side) -> Option<u64> {
    rig.status(side).await?["lease"]["unacknowledged_epoch"].as_u64()
}

async fn acknowledge(rig: &Rig, side: Side, epoch: u64) -> rig::Answer {
    let (epoch, address) = (epoch.to_string(), rig.replication(side).to_string());
    let line = ["acknowledge", "--expect-epoch", &epoch];
    rig.command(&[&line[..], &["--endpoint", &address]].concat())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_acts_by_itself_and_not_again_before_an_operator_has_looked() {
    let options = RigOptions {
        failover: "automatic",
        ..RigOptions::replicated()
    };
    let mut rig = Rig::start(options).await;
    rig.etcdctl(Side::Alpha, &["put", "kept", "1"])
        .await
        .expect_code(0);
    rig.kill_node(Side::Alpha);
    rig.wait_for_primary(Side::Bravo).await;
    let kept = rig.etcdctl(Side::Bravo, &["get", "kept"]).await;
    assert_eq!(kept.expect_code(0).stdout, "kept\n1\n");
    let epoch = rig.epoch().await;
    assert_eq!(unacknowledged(&rig, Side::Bravo).await, Some(epoch));
    let data = rig.data(Side::Bravo);
    let line = ["history", "-o", "json", "--data", data.to_str().unwrap()];
    let receipts = rig.command(&line).await.expect_code(0).stdout;
    assert!(receipts.contains("\"automatic\""), "{receipts}");
    assert!(receipts.contains("the lease stood still for"), "{receipts}");

    rig.start_node(Side::Alpha);
    rig.wait_for_standby(Side::Alpha).await;
    rig.kill_node(Side::Bravo);
    let refusal = "no automatic failover to this node: epoch";
    until("alpha says why it does not act", PATIENCE, || {
        let said = rig.node(Side::Alpha).said();
        async move { said.contains(refusal).then_some(()) }
    })
    .await;
    assert!(!rig.is_primary(Side::Alpha).await);

    rig.start_node(Side::Bravo);
    rig.wait_for_primary(Side::Bravo).await;
    rig.wait_for_standby(Side::Alpha).await;
    let now = rig.epoch().await;
    assert_eq!(unacknowledged(&rig, Side::Bravo).await, Some(epoch));
    acknowledge(&rig, Side::Bravo, epoch)
        .await
        .expect_code(20)
        .expect_said("E301");
    acknowledge(&rig, Side::Alpha, now).await.expect_code(0);
    assert_eq!(unacknowledged(&rig, Side::Bravo).await, None);
    acknowledge(&rig, Side::Bravo, now)
        .await
        .expect_code(0)
        .expect_said("already done");
    rig.kill_node(Side::Bravo);
    rig.wait_for_primary(Side::Alpha).await;
    assert!(unacknowledged(&rig, Side::Alpha).await > Some(now));
}
