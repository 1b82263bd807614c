//! The object store is lost for good: one node goes on alone, by the
//! operator's word, and gets back into a store later.

use rig::{PATIENCE, Rig, RigOptions, Side, Signal, until};
use understudy_protocol::LeaseState;

const WORD: [&str; 5] = [
    "--without-store",
    "--fenced-by",
    "alpha is powered off",
    "--accept-loss",
    "unknown",
];

async fn put(rig: &Rig, side: Side, value: &str) {
    rig.etcdctl(side, &["put", "k", value]).await.expect_code(0);
}

async fn expect_value(rig: &Rig, side: Side, value: &str) {
    let answer = rig.etcdctl(side, &["get", "k", "--print-value-only"]);
    assert_eq!(answer.await.expect_code(0).stdout.trim(), value);
}

/// Both sides are told of another place in the store.
async fn move_to_prefix(rig: &Rig, prefix: &str) {
    for side in Side::BOTH {
        let text = std::fs::read_to_string(rig.file(side)).expect("a configuration");
        let moved = text.replace("prefix = \"dev\"", &format!("prefix = \"{prefix}\""));
        assert_ne!(moved, text);
        tokio::fs::write(rig.file(side), moved)
            .await
            .expect("written");
    }
}

async fn adopt(rig: &Rig, side: Side) -> rig::Answer {
    rig.command(&["store", "adopt", "--config", &rig.file(side)])
        .await
}

/// A pair whose store and primary are gone, and bravo primary without them.
async fn on_its_own(options: RigOptions) -> Rig {
    let mut rig = Rig::start(options).await;
    put(&rig, Side::Alpha, "before").await;
    rig.wait_for_equal_heads().await;
    let epoch = rig.epoch().await;
    rig.kill_store();
    rig.kill_node(Side::Alpha);
    rig.failover(Side::Bravo, epoch, &WORD).await.expect_code(0);
    rig.wait_for_primary(Side::Bravo).await;
    expect_value(&rig, Side::Bravo, "before").await;
    put(&rig, Side::Bravo, "alone").await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_answers_is_not_given_up_and_nothing_is_assumed() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    let refused = rig.failover(Side::Bravo, epoch, &WORD).await;
    refused.expect_code(20).expect_said("E320");
    let (wanted, file) = (epoch.to_string(), rig.file(Side::Bravo));
    let line = ["failover", "--to", "bravo", "--expect-epoch", &wanted];
    let line = [&line[..], &["--config", &file, "--dry-run"], &WORD].concat();
    let mut with_a_wrong_key = rig.understudy(&line);
    with_a_wrong_key.env("UNDERSTUDY_STORE_SECRET_KEY", "another");
    let refused = rig::run(with_a_wrong_key).await;
    refused.expect_code(20).expect_said("E327");
    let mut by_word = rig.understudy(&[&line[..], &["--accept", "E327"]].concat());
    by_word.env("UNDERSTUDY_STORE_SECRET_KEY", "another");
    let overridden = rig::run(by_word).await;
    overridden.expect_code(0).expect_said("overridden E327");
    for (word, refusal) in [("E327", "E320"), ("P03", "E209")] {
        let refused = rig
            .command(&[&line[..], &["--accept", word]].concat())
            .await;
        refused.expect_code(20).expect_said(refusal);
    }
    let out_of_reach = ["--store-endpoint", "http://127.0.0.1:9"];
    let seen = rig.command(&[&line[..], &out_of_reach].concat()).await;
    seen.expect_code(0).expect_said("gives no lease");
    rig.kill_store();
    rig.kill_node(Side::Alpha);
    let without_evidence = ["--without-store", "--accept-loss", "unknown"];
    let refused = rig.failover(Side::Bravo, epoch, &without_evidence).await;
    refused.expect_code(20).expect_said("E323");
    let refused = rig.failover(Side::Bravo, epoch, &WORD[..3]).await;
    refused.expect_code(20).expect_said("E303");
    let refused = rig.failover(Side::Bravo, epoch + 1, &WORD).await;
    refused.expect_code(20).expect_said("E301");
    let file = rig.file(Side::Alpha);
    let elsewhere = ["failover", "--to", "bravo", "--expect-epoch", &wanted];
    let elsewhere = [&elsewhere[..], &["--config", &file], &WORD].concat();
    rig.command(&elsewhere)
        .await
        .expect_code(20)
        .expect_said("E322");
    let dry = [&WORD[..], &["--dry-run"]].concat();
    rig.failover(Side::Bravo, epoch, &dry).await.expect_code(0);
    assert!(!rig.data(Side::Bravo).join("stand-in").exists());
    assert!(!rig.is_primary(Side::Bravo).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_goes_on_without_the_store_and_gets_into_a_new_one() {
    let mut rig = on_its_own(RigOptions::replicated()).await;
    let epoch = rig.epoch().await;
    assert!(epoch > 1 << 40, "a band of its own: {epoch}");
    let again = rig.failover(Side::Bravo, epoch, &WORD).await.expect_code(0);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    let status = rig
        .command(&["status", "--config", &rig.file(Side::Bravo)])
        .await;
    assert!(
        status.stdout.contains("THE OBJECT STORE IS GIVEN UP"),
        "{}{}",
        status.stdout,
        status.stderr
    );
    // A restart needs no word: the lease is its own.
    rig.kill_node(Side::Bravo);
    rig.start_node(Side::Bravo);
    rig.wait_for_primary(Side::Bravo).await;
    expect_value(&rig, Side::Bravo, "alone").await;
    put(&rig, Side::Bravo, "still alone").await;

    rig.start_store();
    move_to_prefix(&rig, "second").await;
    adopt(&rig, Side::Bravo).await.expect_code(1); // it runs
    rig.stop_node(Side::Bravo).await;
    until("the new store answers", PATIENCE, || async {
        let answer = adopt(&rig, Side::Bravo).await;
        (answer.code == Some(0)).then_some(())
    })
    .await;
    adopt(&rig, Side::Bravo)
        .await
        .expect_code(20)
        .expect_said("E324");
    rig.start_node(Side::Bravo);
    rig.wait_for_primary(Side::Bravo).await;
    expect_value(&rig, Side::Bravo, "still alone").await;
    rig.start_node(Side::Alpha);
    rig.wait_for_standby(Side::Alpha).await;
    let status = rig.status(Side::Bravo).await.expect("a status");
    assert!(status["lease"]["without_store"].is_null(), "{status}");
    put(&rig, Side::Bravo, "together").await;
    rig.wait_for_equal_heads().await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Alpha, epoch).await.expect_code(0);
    expect_value(&rig, Side::Alpha, "together").await;
    let audit = rig
        .command(&[
            "audit",
            "--endpoint",
            &rig.replication(Side::Alpha).to_string(),
        ])
        .await;
    for act in ["store_given_up", "store_adopted"] {
        assert!(audit.stdout.contains(act), "{act}: {}", audit.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_store_that_answers_again_is_fenced_and_can_be_gone_back_to() {
    let mut rig = on_its_own(RigOptions::local()).await;
    rig.start_store();
    until("the old lease is fenced", PATIENCE, || async {
        let lease = rig.lease().await?;
        let holder = lease.holder?.node;
        (lease.state == LeaseState::Claimed && holder.as_str() == "bravo").then_some(())
    })
    .await;
    rig.start_node(Side::Alpha);
    until("alpha knows the fence", PATIENCE, || async {
        let status = rig.status(Side::Alpha).await?;
        (status["lease"]["state"] == "claimed").then_some(())
    })
    .await;
    assert!(!rig.is_primary(Side::Alpha).await);
    assert!(rig.is_primary(Side::Bravo).await);
    rig.stop_node(Side::Bravo).await;
    adopt(&rig, Side::Bravo).await.expect_code(0);
    rig.start_node(Side::Bravo);
    rig.wait_for_primary(Side::Bravo).await;
    rig.wait_for_standby(Side::Alpha).await;
    rig.wait_for_equal_heads().await;
    expect_value(&rig, Side::Alpha, "alone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_the_lost_store_has_overtaken_falls_silent() {
    let mut rig = on_its_own(RigOptions::local()).await;
    rig.node(Side::Bravo).signal(Signal::STOP);
    rig.start_store();
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    put(&rig, Side::Alpha, "other").await;
    let mut bravo = rig.take_node(Side::Bravo);
    bravo.signal(Signal::CONT);
    let ended = bravo.ended(PATIENCE).await;
    assert!(!ended.success());
    assert!(bravo.said().contains("E325"), "{}", bravo.said());

    rig.start_node(Side::Bravo);
    let mut bravo = rig.take_node(Side::Bravo);
    assert!(!bravo.ended(PATIENCE).await.success());
    assert!(bravo.said().contains("E325"), "{}", bravo.said());

    std::fs::remove_dir_all(rig.data(Side::Bravo).join("stand-in")).expect("removed");
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    expect_value(&rig, Side::Bravo, "other").await;
    let data = rig.data(Side::Bravo);
    let data = data.to_str().expect("a path");
    let listed = rig.command(&["quarantine", "list", "--data", data]).await;
    assert!(listed.expect_code(0).stdout.contains("main"));
}
