//! What a standby's own disk does to it, and to the pair.

use rig::{
    PATIENCE, Rig, RigOptions, Side, SmallDisk, behind_small_disk, expect_verified, largest_file,
    load_on, until,
};
use understudy_loadgen::{AckedWrites, Recorder};

async fn recorder(rig: &Rig) -> Recorder {
    let recorder = Recorder::start(&load_on(rig, &[Side::Alpha])).expect("a recorder");
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    recorder
}

/// Bravo is whole again, and has all of it.
async fn is_on_both(rig: &Rig, writes: &AckedWrites) {
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    expect_verified(rig, writes, &Side::BOTH).await;
}

/// F34: at whatever it is doing.
#[tokio::test(flavor = "multi_thread")]
async fn standby_killed_again_and_again_under_load_ends_equal() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recorder(&rig).await;
    for round in 0..5 {
        assert!(recorder.wait_for_acked(40 + 17 * round, PATIENCE).await);
        rig.kill_node(Side::Bravo);
        rig.start_node(Side::Bravo);
        rig.wait_for_standby(Side::Bravo).await;
    }
    let writes = recorder.stop().await;
    is_on_both(&rig, &writes).await;
}

/// F36: what the device did not finish.
#[tokio::test(flavor = "multi_thread")]
async fn torn_end_of_a_log_is_cut_reported_and_fetched_anew() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recorder(&rig).await;
    let writes = recorder.stop().await;
    rig.kill_node(Side::Bravo);
    let segment = largest_file(&rig.data(Side::Bravo).join("shards"));
    let mut bytes = std::fs::read(&segment).expect("a segment");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("data");
    bytes[last] ^= 0x01;
    tokio::fs::write(&segment, bytes)
        .await
        .expect("a torn segment");
    rig.start_node(Side::Bravo);
    is_on_both(&rig, &writes).await;
    let said = rig.node(Side::Bravo).said();
    assert!(said.contains("an interrupted write was cut off"), "{said}");
}

/// F40: it keeps nothing and says so; the primary does not mind.
#[tokio::test(flavor = "multi_thread")]
async fn full_disk_of_the_standby_costs_a_local_primary_nothing() {
    let options = RigOptions {
        more: "[log]\nsegment_size = \"1MiB\"\n".to_owned(),
        ..RigOptions::local()
    };
    let mut rig = Rig::prepare(options).await;
    let Some(behind) = behind_small_disk(&rig.data(Side::Bravo)) else {
        eprintln!("not run: a small disk needs root, or user namespaces (unshare -Urm)");
        return;
    };
    rig.options.behind[1] = behind;
    rig.bring_up().await;
    let disk = SmallDisk::of(rig.node(Side::Bravo).id(), &rig.data(Side::Bravo));
    disk.fill().await;
    let large = understudy_loadgen::RecorderOptions {
        value_size: 16 * 1024,
        ..load_on(&rig, &[Side::Alpha])
    };
    let recorder = Recorder::start(&large).expect("a recorder");
    assert!(recorder.wait_for_acked(400, PATIENCE).await);
    let epoch = rig.epoch().await;
    until("bravo is behind", PATIENCE, || async {
        let flushed = async |side| -> Option<u64> {
            rig.status(side).await?["shards"]["main"]["flushed"]["lsn"].as_u64()
        };
        (flushed(Side::Bravo).await? + 100 < flushed(Side::Alpha).await?).then_some(())
    })
    .await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(20);
    disk.make_room().await;
    let writes = recorder.stop().await;
    let pause = writes.longest_pause_seconds().expect("writes");
    assert!(pause < 2.5, "{pause} s without an acknowledgement");
    is_on_both(&rig, &writes).await;
}

/// F45: the name is the old one, the standby is not.
#[tokio::test(flavor = "multi_thread")]
async fn standby_with_a_blank_disk_stands_on_nothing_that_its_name_acknowledged() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recorder(&rig).await;
    let data_id = async |rig: &Rig| {
        let status = rig.status(Side::Bravo).await.expect("bravo runs");
        status["data_id"].to_string()
    };
    let before = data_id(&rig).await;
    rig.kill_node(Side::Bravo);
    let writes = recorder.stop().await;
    std::fs::remove_dir_all(rig.data(Side::Bravo)).expect("a data root");
    // The one that could tell it what it lacks is gone.
    rig.kill_node(Side::Alpha);
    rig.start_node(Side::Bravo);
    until("bravo knows the lease", PATIENCE, || async {
        rig.status(Side::Bravo).await?["lease"]["epoch"].as_u64()
    })
    .await;
    assert_ne!(data_id(&rig).await, before);
    let epoch = rig.epoch().await;
    let refused = rig.failover(Side::Bravo, epoch, &[]).await;
    refused.expect_code(20);
    assert!(!rig.is_primary(Side::Bravo).await);
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    is_on_both(&rig, &writes).await;
}

/// Whether each standby that the primary has a row for streams.
async fn rows(rig: &Rig) -> Option<Vec<bool>> {
    let status = rig.status(Side::Alpha).await?;
    let standbys = status["standbys"].as_array()?;
    standbys
        .iter()
        .map(|standby| standby["connected"].as_bool())
        .collect()
}

async fn forget(rig: &Rig, name: &str) -> rig::Answer {
    let address = rig.replication(Side::Alpha).to_string();
    rig.command(&["forget", name, "--endpoint", &address]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn row_of_a_standby_outlives_the_primary_until_the_standby_is_forgotten() {
    let mut rig = Rig::start(RigOptions::local()).await;
    until("bravo is registered", PATIENCE, || async {
        let registered = rig.lease().await?.registered;
        (registered.len() == 1).then_some(())
    })
    .await;
    let refused = forget(&rig, "bravo").await;
    refused.expect_code(20).expect_said("E211");

    rig.kill_node(Side::Bravo);
    rig.kill_node(Side::Alpha);
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    assert_eq!(rows(&rig).await, Some(vec![false]), "it is away");

    let done = forget(&rig, "bravo").await;
    done.expect_code(0).expect_said("bravo is forgotten");
    assert_eq!(rows(&rig).await, Some(Vec::new()));
    let again = forget(&rig, "bravo").await;
    again.expect_code(20).expect_said("E212");

    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    assert_eq!(rows(&rig).await, Some(vec![true]));
}
