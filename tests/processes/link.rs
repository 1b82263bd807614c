use rig::{Link, Ports, Rig, RigOptions, Side, Signal, Wire, load_on, until, verified};
use std::time::Duration;
use understudy_loadgen::{Recorder, RecorderOptions};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn bit_that_turns_on_the_wire_is_rejected_and_fetched_again() {
    let ports = Ports::free();
    let [front] = rig::free_ports();
    let link = Link::before(front, ports.replication[0]).await;
    let options = RigOptions {
        alpha_advertised: Some(link.address()),
        ..RigOptions::local()
    };
    let mut rig = Rig::prepare_on(ports, options).await;
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
    for side in Side::BOTH {
        let verification = verified(&rig, &writes, side).await;
        assert!(verification.passed(), "{side}: {verification:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_standby_does_not_hold_up_a_local_primary() {
    let mut rig = Rig::start(RigOptions::local()).await;
    let recorder = Recorder::start(&load_on(&rig, &[Side::Alpha])).unwrap();
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
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

async fn reconnects(rig: &Rig) -> Option<u64> {
    rig.status(Side::Bravo).await?["stream"]["reconnects"].as_u64()
}
