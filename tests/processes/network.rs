//! Each node and the store on a host of its own, and the network between them
//! broken: packets vanish, one way or both.

use rig::history::violations;
use rig::{
    Host, Hosts, PATIENCE, Rig, RigOptions, Side, endpoints, expect_verified, load_on, recording,
    until,
};
use std::time::Duration;
use understudy_loadgen::{HistoryOptions, HistoryRecorder, Recorder};

/// A pair on hosts of its own; hosts are dropped after its processes.
struct Apart {
    rig: Rig,
    hosts: Hosts,
}

async fn apart(options: RigOptions) -> Option<Apart> {
    let hosts = Hosts::new()?;
    let options = RigOptions {
        behind: [hosts.behind(Host::Alpha), hosts.behind(Host::Bravo)],
        store_behind: hosts.behind(Host::Store),
        // Nobody else is on this network.
        more: "[tls]\nplaintext = [\"replication\", \"clients\", \"console\"]\n".to_owned(),
        ..options
    };
    let mut rig = Rig::prepare_on(hosts.ports(), options).await;
    rig.bring_up().await;
    Some(Apart { rig, hosts })
}

/// Clients and watchers of both sides, who are told of the same few keys.
async fn history(rig: &Rig) -> HistoryRecorder {
    let options = HistoryOptions {
        pace: Some(Duration::from_millis(2)),
        ..HistoryOptions::new(endpoints(rig, &Side::BOTH), 1)
    };
    let recorder = HistoryRecorder::start(options, PATIENCE).await;
    recorder.expect("the primary answers")
}

/// One order explains all that they were told.
async fn is_linearizable(recorder: HistoryRecorder) {
    let history = recorder.stop(PATIENCE).await.expect("the pair serves");
    assert!(history.answered() > 200, "{}", history.answered());
    assert_eq!(violations(&history), []);
}

async fn wait_for_silence(rig: &Rig, side: Side) {
    until(&format!("{side}'s lease runs out"), PATIENCE, || async {
        (!rig.is_primary(side).await).then_some(())
    })
    .await;
}

/// F01: alpha cannot renew, and the standby does not act on its own.
#[tokio::test(flavor = "multi_thread")]
async fn primary_cut_from_the_store_alone_falls_silent_and_nobody_takes_over() {
    let Some(Apart { rig, hosts }) = apart(RigOptions::replicated()).await else {
        return;
    };
    let epoch = rig.epoch().await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    hosts.cut(Host::Alpha, Host::Store);
    wait_for_silence(&rig, Side::Alpha).await;
    let silent = recorder.acked();
    until(
        "bravo says that the lease stands still",
        PATIENCE,
        || async {
            let status = rig.status(Side::Bravo).await?;
            let seen = status["lease"]["seen_seconds_ago"].as_f64()?;
            (seen > status["lease"]["ttl_seconds"].as_f64()?).then_some(())
        },
    )
    .await;
    assert_eq!(recorder.acked(), silent, "nothing after the deadline");
    assert!(!rig.is_primary(Side::Bravo).await);
    assert_eq!(rig.epoch().await, epoch);
    hosts.heal(Host::Alpha, Host::Store);
    rig.wait_for_primary(Side::Alpha).await;
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    let writes = recorder.stop().await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
}

/// F02: alpha has nobody but its clients, who go on asking it.
#[tokio::test(flavor = "multi_thread")]
async fn primary_cut_from_store_and_standby_acknowledges_nothing_that_is_missing_later() {
    let Some(Apart { rig, hosts }) = apart(RigOptions::replicated()).await else {
        return;
    };
    let epoch = rig.epoch().await;
    let faithful = Recorder::start(&load_on(&rig, &[Side::Alpha])).unwrap();
    let changing = Recorder::start(&load_on(&rig, &Side::BOTH)).unwrap();
    let history = history(&rig).await;
    assert!(faithful.wait_for_acked(100, PATIENCE).await);
    until("bravo knows that it is in sync", PATIENCE, || async {
        (rig.status(Side::Bravo).await?["loss_bound"] == "nothing").then_some(())
    })
    .await;
    hosts.cut(Host::Alpha, Host::Store);
    hosts.cut(Host::Alpha, Host::Bravo);
    rig.failover(Side::Bravo, epoch, &[]).await.expect_code(0);
    rig.wait_for_primary(Side::Bravo).await;
    assert!(!rig.is_primary(Side::Alpha).await);
    hosts.heal(Host::Alpha, Host::Store);
    hosts.heal(Host::Alpha, Host::Bravo);
    rig.wait_for_standby(Side::Alpha).await;
    // Alpha sends them on to bravo now.
    assert!(faithful.wait_for_acked(50, PATIENCE).await);
    assert!(changing.wait_for_acked(50, PATIENCE).await);
    is_linearizable(history).await;
    for recorder in [faithful, changing] {
        let writes = recorder.stop().await;
        expect_verified(&rig, &writes, &[Side::Bravo]).await;
    }
    rig.wait_for_equal_heads().await;
    assert_eq!(rig.epoch().await, epoch + 1);
}

/// F03: bravo follows on, and is not promoted by a lease it cannot read.
#[tokio::test(flavor = "multi_thread")]
async fn standby_cut_from_the_store_follows_on_and_is_not_promoted() {
    let Some(Apart { rig, hosts }) = apart(RigOptions::replicated()).await else {
        return;
    };
    let epoch = rig.epoch().await;
    hosts.cut(Host::Bravo, Host::Store);
    let recorder = recording(&rig, &[Side::Alpha], 300).await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(20);
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    assert!(rig.is_primary(Side::Alpha).await);
    assert_eq!(rig.epoch().await, epoch);
    hosts.heal(Host::Bravo, Host::Store);
    let writes = recorder.stop().await;
    rig.wait_for_standby(Side::Bravo).await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(0);
    expect_verified(&rig, &writes, &[Side::Bravo]).await;
}

/// F15, F18: the connection stands half open on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn standby_that_hears_nothing_knows_no_lag_and_goes_on_where_it_was() {
    let Some(Apart { rig, hosts }) = apart(RigOptions::local()).await else {
        return;
    };
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    hosts.cut(Host::Alpha, Host::Bravo);
    until("bravo's lag is not known", PATIENCE, || async {
        let status = rig.status(Side::Bravo).await?;
        (status["shards"]["main"]["lag"]["known"] != true).then_some(())
    })
    .await;
    assert!(recorder.wait_for_acked(300, PATIENCE).await);
    hosts.heal(Host::Alpha, Host::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    let writes = recorder.stop().await;
    rig.wait_for_equal_heads().await;
    let pause = writes.longest_pause_seconds().expect("writes");
    assert!(pause < 2.0, "{pause} s without an acknowledgement");
    let status = rig.status(Side::Bravo).await.expect("bravo runs");
    assert_eq!(status["shards"]["main"]["quarantined_records"], 0);
    expect_verified(&rig, &writes, &Side::BOTH).await;
}

/// F16: data without answers, then answers without data.
#[tokio::test(flavor = "multi_thread")]
async fn one_way_partition_is_noticed_and_costs_nothing_acknowledged() {
    let Some(Apart { rig, hosts }) = apart(RigOptions::replicated()).await else {
        return;
    };
    let epoch = rig.epoch().await;
    let recorder = Recorder::start(&load_on(&rig, &[Side::Alpha])).unwrap();
    let history = history(&rig).await;
    for (from, to) in [(Host::Bravo, Host::Alpha), (Host::Alpha, Host::Bravo)] {
        assert!(recorder.wait_for_acked(100, PATIENCE).await);
        hosts.cut_one_way(from, to);
        until("alpha does not hear bravo", PATIENCE, || async {
            let status = rig.status(Side::Alpha).await?;
            let standbys = status["standbys"].as_array()?;
            let is_heard = |standby: &serde_json::Value| {
                let age = standby["last_heard_seconds_ago"].as_f64();
                standby["connected"] == true && age.is_some_and(|age| age < 1.5)
            };
            (!standbys.iter().any(is_heard)).then_some(())
        })
        .await;
        hosts.heal_one_way(from, to);
        rig.wait_for_standby(Side::Bravo).await;
    }
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    is_linearizable(history).await;
    let writes = recorder.stop().await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &Side::BOTH).await;
    assert_eq!(rig.epoch().await, epoch);
}

/// F01 with failsafe: the standby vouches, so the primary goes on without the
/// store; with the standby gone as well it falls silent.
#[tokio::test(flavor = "multi_thread")]
async fn primary_without_its_store_goes_on_by_its_standbys_word() {
    let options = RigOptions {
        failsafe: "on",
        ..RigOptions::replicated()
    };
    let Some(Apart { rig, hosts }) = apart(options).await else {
        return;
    };
    let epoch = rig.epoch().await;
    until("the lease names bravo", PATIENCE, || async {
        let lease = rig.lease().await?;
        let mut named = lease.failsafe.iter().flatten();
        named
            .any(|one| one.node.as_str() == Side::Bravo.name())
            .then_some(())
    })
    .await;
    let recorder = recording(&rig, &[Side::Alpha], 100).await;
    hosts.cut(Host::Alpha, Host::Store);
    until("alpha lives by bravo's word", PATIENCE, || async {
        let status = rig.status(Side::Alpha).await?;
        let past = status["lease"]["seen_seconds_ago"].as_f64()?;
        let by_word = status["goes_on_by_word"] == true;
        (by_word && past > 2.0 * status["lease"]["ttl_seconds"].as_f64()?).then_some(())
    })
    .await;
    assert!(rig.is_primary(Side::Alpha).await);
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    // Bravo, which reaches the store, keeps its word.
    let refused = rig.failover(Side::Bravo, epoch, &["--accept-loss", "unknown"]);
    refused.await.expect_code(20).expect_said("E317");
    hosts.cut(Host::Alpha, Host::Bravo);
    wait_for_silence(&rig, Side::Alpha).await;
    hosts.heal(Host::Alpha, Host::Bravo);
    hosts.heal(Host::Alpha, Host::Store);
    rig.wait_for_primary(Side::Alpha).await;
    let writes = recorder.stop().await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
}
