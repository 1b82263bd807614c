//! Under `replicated` no acknowledged write is ever on one site alone: while
//! no standby is in sync it is in the object store.

use rig::drill::wait_for_more;
use rig::{Rig, RigOptions, SampledWriters, Side, Signal, get, until};
use std::time::Duration;
use tokio::time::Instant;
use understudy_protocol::fallback::{Slot, SlotContents, SlotNumber};
use understudy_store::{Fetched, ObjectStore};
use understudy_types::ShardName;

const PATIENCE: Duration = Duration::from_secs(40);

/// Where a node says that acknowledged writes rest.
async fn home(rig: &Rig, side: Side) -> Option<String> {
    let status = rig.status(side).await?;
    Some(status["lease"]["ack_home"].as_str()?.to_owned())
}

async fn wait_for_home(rig: &Rig, side: Side, wanted: &str) {
    until(wanted, PATIENCE, || async {
        (home(rig, side).await? == wanted).then_some(())
    })
    .await;
}

/// Slots in the store that hold batches; seals stay for ever.
async fn filled_slots(rig: &Rig) -> usize {
    let store = rig.store_client().await;
    let cluster = rig.lease().await.expect("a lease").cluster;
    let shard: ShardName = "main".parse().expect("a shard");
    let mut filled = 0;
    for listed in store.list("slots/main/", None).await.expect("a listing") {
        let number = listed.key.rsplit('/').next().expect("a number");
        let number = SlotNumber::new(number.parse().expect("a number"));
        if let Ok(Fetched::Found(object)) = store.get(&listed.key, None).await {
            let slot = Slot::decode(&object.body, cluster, &shard, number);
            let slot = slot.expect("a slot that can be read");
            filled += usize::from(slot.contents != SlotContents::Seal);
        }
    }
    filled
}

async fn nothing_is_missing(rig: &Rig, writers: SampledWriters, side: Side) {
    let now = Instant::now();
    let findings = writers.stop().await.compare(rig, side, now).await;
    assert!(findings.acknowledged > 0, "{findings:?}");
    let wrong = findings.missing + findings.doubled + findings.otherwise_wrong;
    assert_eq!(wrong, 0, "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn write_acknowledged_while_no_standby_is_in_sync_survives_the_primary() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let writers = SampledWriters::start(&rig, Side::Alpha, 4);
    wait_for_more(&writers, 100).await;
    rig.kill_node(Side::Bravo);
    wait_for_home(&rig, Side::Alpha, "store").await;
    wait_for_more(&writers, 300).await;
    let metrics = get(rig.console(Side::Alpha), "/metrics").await;
    let metrics = metrics.expect("alpha answers").body;
    let at_home = "understudy_ack_home{home=\"store\"} 1";
    assert!(metrics.contains(at_home), "{metrics}");
    assert!(filled_slots(&rig).await > 0);
    let epoch = rig.epoch().await;
    rig.kill_node(Side::Alpha);

    // Bravo was away all that time: what it lacks is in the store.
    rig.start_node(Side::Bravo);
    wait_for_home(&rig, Side::Bravo, "store").await;
    let answer = rig.failover(Side::Bravo, epoch, &[]).await.expect_code(0);
    assert!(answer.stdout.contains("drained"), "{}", answer.stdout);
    wait_for_more(&writers, 50).await;
    assert_eq!(home(&rig, Side::Bravo).await.as_deref(), Some("store"));
    nothing_is_missing(&rig, writers, Side::Bravo).await;

    // With a standby in sync again the slots are needed no more.
    rig.start_node(Side::Alpha);
    wait_for_home(&rig, Side::Bravo, "standbys").await;
    rig.wait_for_equal_heads().await;
    until("only seals are left", PATIENCE, || async {
        (filled_slots(&rig).await == 0).then_some(())
    })
    .await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Alpha, epoch).await.expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_primary_without_a_standby_goes_on_from_its_slots() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let writers = SampledWriters::start(&rig, Side::Alpha, 4);
    rig.kill_node(Side::Bravo);
    wait_for_home(&rig, Side::Alpha, "store").await;
    wait_for_more(&writers, 200).await;
    rig.kill_node(Side::Alpha);
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    wait_for_more(&writers, 100).await;
    assert_eq!(home(&rig, Side::Alpha).await.as_deref(), Some("store"));
    nothing_is_missing(&rig, writers, Side::Alpha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_primary_is_sealed_off_and_acknowledges_nothing_when_it_wakes() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let writers = SampledWriters::start(&rig, Side::Alpha, 4);
    rig.kill_node(Side::Bravo);
    wait_for_home(&rig, Side::Alpha, "store").await;
    wait_for_more(&writers, 200).await;
    let epoch = rig.epoch().await;
    rig.node(Side::Alpha).signal(Signal::STOP);
    rig.start_node(Side::Bravo);
    wait_for_home(&rig, Side::Bravo, "store").await;
    // No evidence and no wait for the frozen one: its time runs out first.
    rig.failover(Side::Bravo, epoch, &[]).await.expect_code(0);
    rig.node(Side::Alpha).signal(Signal::CONT);
    wait_for_more(&writers, 50).await;
    rig.wait_for_standby(Side::Alpha).await;
    rig.wait_for_equal_heads().await;
    nothing_is_missing(&rig, writers, Side::Bravo).await;
}
