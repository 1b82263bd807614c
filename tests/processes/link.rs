use rig::long_link::{LongLinkOptions, catching_up};
use rig::{Rig, RigOptions, Shape, Side, Signal, Wire, expect_verified, load_on, recording, until};
use std::time::Duration;
use understudy_loadgen::{Recorder, RecorderOptions};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn bit_that_turns_on_the_wire_is_rejected_and_fetched_again() {
    let (mut rig, link) = Rig::prepare_over(Shape::default(), RigOptions::local()).await;
    rig.bring_up().await;
    let before = until("bravo streams", PATIENCE, || reconnects(&rig)).await;
    let load = RecorderOptions {
        value_size: 16 * 1024,
        ..load_on(&rig, &[Side::Alpha])
    };
    let recorder = Recorder::start(&load).unwrap();
    assert!(recorder.wait_for_acked(50, PATIENCE).await);
    link.set(Wire::FlipsOneBit);
    until("a bit has turned", PATIENCE, || async {
        (link.wire() == Wire::Whole).then_some(())
    })
    .await;
    until("bravo has connected again", PATIENCE, || async {
        (reconnects(&rig).await? > before).then_some(())
    })
    .await;
    assert!(recorder.wait_for_acked(50, PATIENCE).await);
    let writes = recorder.stop().await;
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    let said = rig.node(Side::Bravo).said();
    assert!(said.contains("damaged batch"), "{said}");
    expect_verified(&rig, &writes, &Side::BOTH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_standby_does_not_hold_up_a_local_primary() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    rig.node(Side::Bravo).signal(Signal::STOP);
    assert!(recorder.wait_for_acked(3000, PATIENCE).await);
    rig.node(Side::Bravo).signal(Signal::CONT);
    let writes = recorder.stop().await;
    let pause = writes.longest_pause_seconds().expect("writes");
    assert!(pause < 1.0, "{pause} s without an acknowledgement");
    assert_eq!(writes.counts().unknown + writes.counts().refused, 0);
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
}

/// 80 ms there and back, at 10 MB/s.
fn long() -> Shape {
    Shape::of_round_trip(Duration::from_millis(80), 10_000_000)
}

async fn heartbeat_age(rig: &Rig) -> Option<f64> {
    rig.status(Side::Bravo).await?["stream"]["heartbeat_age_seconds"].as_f64()
}

async fn flushed(rig: &Rig, side: Side) -> Option<u64> {
    rig.status(side).await?["shards"]["main"]["flushed"]["lsn"].as_u64()
}

/// F17: the wire is filled from end to end, stalls, is cut, and heals.
#[tokio::test(flavor = "multi_thread")]
async fn catch_up_over_a_long_link_survives_stalls_and_resets() {
    let more = "[stream]\nwindow = \"4MiB\"\ncompression = \"zstd\"\n";
    let (rig, link) = catching_up(long(), more.to_owned(), 3000).await;
    for trouble in [Wire::Stalled, Wire::Cut, Wire::Stalled] {
        let before = flushed(&rig, Side::Bravo).await.unwrap_or_default();
        until("bravo has more", PATIENCE, || async {
            let now = flushed(&rig, Side::Bravo).await?;
            let whole = flushed(&rig, Side::Alpha).await?;
            (now > before || now == whole).then_some(())
        })
        .await;
        link.set(trouble);
        until("bravo notices", PATIENCE, || async {
            let age = heartbeat_age(&rig).await;
            age.is_none_or(|age| age > 1.0).then_some(())
        })
        .await;
        link.set(Wire::Whole);
    }
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    let sent = rig.status(Side::Alpha).await.expect("alpha runs")["sent"].clone();
    let (canonical, wire) = (&sent["canonical_bytes"], &sent["wire_bytes"]);
    assert!(canonical.as_u64() > wire.as_u64(), "{sent}");
}

/// The limit holds back what is old, and never a heartbeat.
#[tokio::test(flavor = "multi_thread")]
async fn throttled_catch_up_lets_heartbeats_through() {
    let more = "[stream]\nbandwidth_max = \"256KiB\"\n";
    let (rig, _link) = catching_up(long(), more.to_owned(), 2000).await;
    // It hears how far it is behind, again and again, while it is behind.
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let behind = until("bravo hears of its lag", PATIENCE, || async {
            let age = heartbeat_age(&rig).await?;
            let lag = &rig.status(Side::Bravo).await?["shards"]["main"]["lag"];
            let behind = lag["records_flushed"].as_u64()?;
            let is_new = seen.last().is_none_or(|last| behind < *last);
            (age < 1.0 && is_new).then_some(behind)
        })
        .await;
        assert!(behind > 0, "the catch-up was over after {seen:?}");
        seen.push(behind);
    }
}

/// What a catch-up over a wire of 80 ms and 100 Mbit/s takes of it.
async fn ratio_with(window: &str) -> f64 {
    let fetched = rig::long_link::run(&LongLinkOptions {
        shape: Shape::of_round_trip(Duration::from_millis(80), 100_000_000 / 8),
        window: window.to_owned(),
        compression: "none",
        puts: 1500,
    })
    .await;
    println!("{fetched}");
    fetched.ratio()
}

/// A window brings at most its own size in each round trip, and one that holds
/// bandwidth × delay (1 MB here) lets the wire be filled.
#[tokio::test(flavor = "multi_thread")]
async fn window_that_holds_bandwidth_times_delay_brings_many_times_what_a_small_one_can() {
    let small = ratio_with("128KiB").await;
    let at_most = 128.0 * 1024.0 / 1e6;
    assert!(small < at_most * 1.2, "{small} of the wire");
    let sized = ratio_with("4MiB").await;
    assert!(
        sized > small * 2.0,
        "{sized} of the wire, {small} with the small one"
    );
    assert!(sized < 1.5, "{sized}: the wire is not what was asked for");
}

async fn reconnects(rig: &Rig) -> Option<u64> {
    rig.status(Side::Bravo).await?["stream"]["reconnects"].as_u64()
}
