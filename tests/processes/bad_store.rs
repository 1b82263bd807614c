//! A proxy before the store that delays, fails, doubles and truncates.

use rig::{
    PATIENCE, Ports, Rig, RigOptions, Side, StoreProxy, Trouble, expect_verified, free_ports,
    load_on, until,
};
use understudy_loadgen::Recorder;

async fn behind_proxy(options: RigOptions) -> (Rig, StoreProxy) {
    let ports = Ports::free();
    let [front] = free_ports();
    let proxy = StoreProxy::before(front, ports.store).await;
    let options = RigOptions {
        store_advertised: Some(front),
        ..options
    };
    let mut rig = Rig::prepare_on(ports, options).await;
    rig.bring_up().await;
    (rig, proxy)
}

/// Long enough for each node to ask for the lease, and to write it, again and
/// again.
async fn bad_for_a_while(proxy: &StoreProxy, trouble: Trouble) {
    let before = proxy.troubled();
    proxy.set(trouble);
    until("requests were treated badly", PATIENCE, || async {
        (proxy.troubled() >= before + 12).then_some(())
    })
    .await;
    proxy.set(Trouble::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_store_costs_nothing_acknowledged_and_no_epoch_is_given_twice() {
    let (rig, proxy) = behind_proxy(RigOptions::replicated()).await;
    let recorder = Recorder::start(&load_on(&rig, &[Side::Alpha])).unwrap();
    for trouble in Trouble::EACH {
        let epoch = rig.epoch().await;
        bad_for_a_while(&proxy, trouble).await;
        rig.wait_for_primary(Side::Alpha).await;
        assert!(recorder.wait_for_acked(50, PATIENCE).await, "{trouble:?}");
        assert_eq!(rig.epoch().await, epoch, "{trouble:?}");
    }
    let writes = recorder.stop().await;
    rig.wait_for_standby(Side::Bravo).await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
}

/// What becomes of the request is not said here: it is done, or refused, and
/// afterwards there is one primary that serves.
#[tokio::test(flavor = "multi_thread")]
async fn switchover_over_a_bad_store_ends_with_one_primary_and_loses_nothing() {
    let (rig, proxy) = behind_proxy(RigOptions::replicated()).await;
    let recorder = Recorder::start(&load_on(&rig, &Side::BOTH)).unwrap();
    for trouble in [Trouble::Doubles, Trouble::LosesAnswers, Trouble::Truncates] {
        assert!(recorder.wait_for_acked(50, PATIENCE).await);
        let epoch = rig.epoch().await;
        let to = match rig.is_primary(Side::Alpha).await {
            true => Side::Bravo,
            false => Side::Alpha,
        };
        proxy.set(trouble);
        // The command reads the store itself, and may be told nothing.
        let answer = rig.switchover(to, epoch).await;
        proxy.set(Trouble::None);
        println!("{trouble:?}: {:?}", answer.code);
        let primary = until("one of them serves", PATIENCE, || async {
            let serves = [
                rig.is_primary(Side::Alpha).await,
                rig.is_primary(Side::Bravo).await,
            ];
            match serves {
                [true, false] => Some(Side::Alpha),
                [false, true] => Some(Side::Bravo),
                _ => None,
            }
        })
        .await;
        rig.wait_for_standby(primary.other()).await;
    }
    assert!(recorder.wait_for_acked(50, PATIENCE).await);
    let writes = recorder.stop().await;
    rig.wait_for_equal_heads().await;
    expect_verified(&rig, &writes, &Side::BOTH).await;
}
