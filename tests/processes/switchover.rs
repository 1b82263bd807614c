use rig::{Answer, Rig, RigOptions, Side, moved_there_and_back, verified};

#[tokio::test(flavor = "multi_thread")]
async fn switchover_under_load_and_back_loses_and_doubles_nothing() {
    let rig = Rig::start(RigOptions::local()).await;
    let writes = moved_there_and_back(&rig).await;
    let verification = verified(&rig, &writes, Side::Alpha).await;
    assert!(verification.passed(), "{verification:?}");
    assert_eq!(verification.confirmed, writes.counts().acked);
}

#[tokio::test]
async fn same_switchover_twice_is_done_once() {
    let rig = Rig::start(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(0);
    rig.switchover(Side::Bravo, epoch)
        .await
        .expect_code(0)
        .expect_said("already epoch");
    assert_eq!(rig.epoch().await, epoch + 1);
}

#[tokio::test]
async fn wrong_epoch_wrong_target_and_wrong_primary_are_refused() {
    let rig = Rig::start(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Bravo, epoch + 1)
        .await
        .expect_code(20)
        .expect_said("E201");
    rig.switchover(Side::Alpha, epoch)
        .await
        .expect_code(20)
        .expect_said("E201");
    let (epoch_text, file) = (epoch.to_string(), rig.file(Side::Alpha));
    let line = [
        "switchover",
        "--expect-epoch",
        &epoch_text,
        "--config",
        &file,
    ];
    rig.command(&[&line[..], &["--to", "charlie"]].concat())
        .await
        .expect_code(20)
        .expect_said("E202");
    let mistaken = ["--to", "bravo", "--expect-primary", "charlie"];
    rig.command(&[&line[..], &mistaken[..]].concat())
        .await
        .expect_code(20)
        .expect_said("E201");
    let as_json = ["--to", "charlie", "-o", "json"];
    let refused = rig.command(&[&line[..], &as_json[..]].concat()).await;
    let said: serde_json::Value = serde_json::from_str(&refused.stdout).expect("one document");
    assert_eq!(said["refused"]["id"], "E202", "{said}");
    refused.expect_code(20).expect_said("E202");
    assert!(rig.is_primary(Side::Alpha).await);
    assert_eq!(rig.epoch().await, epoch);
}

async fn history(rig: &Rig) -> Answer {
    let [alpha, bravo] = Side::BOTH.map(|side| rig.replication(side).to_string());
    let nodes = ["--endpoint", &alpha, "--endpoint", &bravo];
    rig.command(&[&["history", "-o", "json"], &nodes[..]].concat())
        .await
}

fn epochs(history: &Answer) -> Vec<u64> {
    let receipts: Vec<serde_json::Value> =
        serde_json::from_str(&history.stdout).expect("a list of receipts");
    let epochs = receipts.iter().map(|receipt| receipt["epoch"].as_u64());
    epochs.map(|epoch| epoch.expect("a number")).collect()
}

#[tokio::test]
async fn receipts_of_both_nodes_are_listed_and_who_is_silent_is_named() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let first = rig.epoch().await;
    rig.switchover(Side::Bravo, first).await.expect_code(0);
    rig.wait_for_standby(Side::Alpha).await;
    rig.switchover(Side::Alpha, first + 1).await.expect_code(0);
    let both = history(&rig).await.expect_code(0);
    assert_eq!(epochs(&both), [first + 1, first + 2]);
    rig.kill_node(Side::Bravo);
    let alphas = history(&rig).await.expect_code(10);
    assert_eq!(epochs(&alphas), [first + 2]);
    alphas.expect_said("its receipts are missing");
}

/// The short form of `tests/drill --switchovers 1000`.
#[tokio::test(flavor = "multi_thread")]
async fn switchovers_back_and_forth_leave_equal_states() {
    let report = rig::drill::run(&rig::drill::DrillOptions {
        switchovers: 12,
        operations: 800,
        ..rig::drill::DrillOptions::new(RigOptions::replicated(), 7)
    })
    .await;
    println!("{report}");
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.missing, report.switchovers), (0, 12), "{report}");
}
