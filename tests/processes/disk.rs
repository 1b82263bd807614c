use rig::{
    Rig, RigOptions, Side, SmallDisk, behind_small_disk, expect_verified, free_ports, largest_file,
    recording, until,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn data_root_in_use_is_refused_to_a_second_process() {
    let rig = Rig::start(RigOptions::local()).await;
    let [clients, replication, console] = free_ports();
    let answer = rig
        .command(&[
            "run",
            "--config",
            &rig.file(Side::Alpha),
            "--listen-clients",
            &format!("main={clients}"),
            "--listen-replication",
            &replication.to_string(),
            "--listen-console",
            &console.to_string(),
        ])
        .await;
    assert!(matches!(answer.code, Some(code) if code != 0), "{answer:?}");
    answer.expect_said("in use");
    assert!(rig.is_primary(Side::Alpha).await);
}

/// Its own ports are taken too, of course: the lock is what it must name.
#[tokio::test]
async fn same_node_started_twice_is_told_who_has_its_data_root() {
    let rig = Rig::start(RigOptions::local()).await;
    let lock = rig.data(Side::Alpha).join("lock");
    let holder = tokio::fs::read_to_string(lock).await.expect("a lock");
    let answer = rig
        .command(&["run", "--config", &rig.file(Side::Alpha)])
        .await;
    let answer = answer.expect_code(1);
    let answer = answer.expect_said(&format!("in use by process {}", holder.trim()));
    assert!(!answer.stderr.contains("cannot listen"), "{answer:?}");
    assert!(rig.is_primary(Side::Alpha).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn flipped_bit_inside_a_segment_is_refetched_while_the_primary_lives() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recording(&rig, &[Side::Alpha], 500).await;
    let writes = recorder.stop().await;
    rig.stop_node(Side::Bravo).await;
    let data = rig.data(Side::Bravo);
    let (segment, _) = flip_in_the_middle(&data).await;
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    let name = segment.file_name().expect("a file").to_string_lossy();
    let said = rig.node(Side::Bravo).said();
    assert!(
        said.contains(&*name) && said.contains("is damaged at byte"),
        "{said}"
    );
    assert!(data.join("damaged/main").join(&*name).exists());
    expect_verified(&rig, &writes, &[Side::Bravo]).await;
    rig.stop_node(Side::Bravo).await;
    let verify = ["log", "verify", data.to_str().expect("a path of ASCII")];
    rig.command(&verify).await.expect_code(0).expect_said("ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_segment_between_sound_ones_is_fetched_and_the_node_is_what_it_was() {
    let options = RigOptions {
        more: "[log]\nsegment_size = \"1MiB\"\n".to_owned(),
        ..RigOptions::replicated()
    };
    let mut rig = Rig::start(options).await;
    let clients = rig.clients(Side::Alpha).to_string();
    let load = ["bench", "put", "--endpoints", &clients, "--in-flight", "64"];
    let load = [&load[..], &["--count", "12000", "--value-size", "256"]].concat();
    rig.command(&load).await.expect_code(0);
    rig.wait_for_equal_heads().await;
    let before = rig.status(Side::Bravo).await.expect("bravo follows");
    rig.stop_node(Side::Bravo).await;
    let data = rig.data(Side::Bravo);
    let first = data.join("shards/main/00000000000000000001.seg");
    flip(&first, 500_000).await;
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    let after = rig.status(Side::Bravo).await.expect("bravo follows");
    assert_eq!(before["data_id"], after["data_id"]);
    let said = rig.node(Side::Bravo).said();
    assert!(said.contains("proved by the chain"), "{said}");
    rig.stop_node(Side::Bravo).await;
    let verify = ["log", "verify", data.to_str().expect("a path of ASCII")];
    rig.command(&verify).await.expect_code(0).expect_said("ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn flipped_bit_without_a_living_primary_is_named_refused_and_repaired_by_an_operator() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let recorder = recording(&rig, &[Side::Alpha], 500).await;
    let writes = recorder.stop().await;
    rig.stop_node(Side::Bravo).await;
    let data = rig.data(Side::Bravo);
    let verify = ["log", "verify", data.to_str().expect("a path of ASCII")];
    rig.command(&verify).await.expect_code(0).expect_said("ok");

    let (segment, middle) = flip_in_the_middle(&data).await;
    let name = segment.file_name().expect("a file").to_string_lossy();
    let found = rig.command(&verify).await.expect_code(30);
    let found = found.expect_said(&name).expect_said("at byte");
    let offset = offset_named(&found.stdout);
    assert!(
        offset <= middle && middle - offset < 64 * 1024,
        "{offset} for {middle}"
    );
    rig.kill_node(Side::Alpha);
    let run = rig
        .command(&["run", "--config", &rig.file(Side::Bravo)])
        .await;
    assert!(matches!(run.code, Some(code) if code != 0), "{run:?}");
    run.expect_said(&name)
        .expect_said(&format!("at byte {offset}"))
        .expect_said("did not renew the lease");

    let repair = ["log", "repair", data.to_str().expect("a path of ASCII")];
    let planned = rig.command(&repair).await.expect_code(30);
    planned.expect_said("nothing was changed");
    assert!(segment.exists());
    let apply = [&repair[..], &["--apply"]].concat();
    rig.command(&apply)
        .await
        .expect_code(0)
        .expect_said("new standby");
    assert!(data.join("damaged/main").join(&*name).exists());
    // Alpha may tell nobody of its last writes before they are at a standby.
    rig.start_node(Side::Alpha);
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &[Side::Bravo]).await;
    rig.stop_node(Side::Bravo).await;
    rig.command(&verify).await.expect_code(0).expect_said("ok");
}

/// Turns one bit in the middle of the log; the file, and the byte.
async fn flip_in_the_middle(data: &Path) -> (PathBuf, usize) {
    let segment = largest_file(&data.join("shards"));
    let bytes = tokio::fs::read(&segment).await.expect("a segment");
    let middle = bytes.iter().rposition(|byte| *byte != 0).expect("data") / 2;
    flip(&segment, middle).await;
    (segment, middle)
}

async fn flip(segment: &Path, byte: usize) {
    let mut bytes = tokio::fs::read(segment).await.expect("a segment");
    bytes[byte] ^= 0x10;
    tokio::fs::write(segment, bytes)
        .await
        .expect("a damaged segment");
}

fn offset_named(text: &str) -> usize {
    let (_, rest) = text.split_once("at byte ").expect("an offset");
    let digits = rest.split(|end: char| !end.is_ascii_digit()).next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_writes_until_there_is_room() {
    let options = RigOptions {
        more: "[log]\nsegment_size = \"1MiB\"\n".to_owned(),
        ..RigOptions::local()
    };
    let mut rig = Rig::prepare(options).await;
    let Some(behind) = behind_small_disk(&rig.data(Side::Alpha)) else {
        eprintln!("not run: a small disk needs root, or user namespaces (unshare -Urm)");
        return;
    };
    rig.options.behind[0] = behind;
    rig.bring_up().await;
    let disk = SmallDisk::of(rig.node(Side::Alpha).id(), &rig.data(Side::Alpha));
    rig.etcdctl(Side::Alpha, &["put", "before", "1"])
        .await
        .expect_code(0);
    disk.fill().await;
    // What is left of the current segment may still take a few.
    until("a write is refused", PATIENCE, || async {
        let value = "x".repeat(100_000);
        let answer = rig.etcdctl(Side::Alpha, &["put", "large", &value]).await;
        (answer.code != Some(0)).then_some(answer)
    })
    .await
    .expect_said("database space exceeded");
    assert!(rig.node(Side::Alpha).is_running());
    disk.make_room().await;
    until("writes are taken again", PATIENCE, || async {
        let answer = rig.etcdctl(Side::Alpha, &["put", "after", "1"]).await;
        (answer.code == Some(0)).then_some(())
    })
    .await;
    rig.wait_for_primary(Side::Alpha).await;
    let recorder = recording(&rig, &[Side::Alpha], 200).await;
    let writes = recorder.stop().await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
}
