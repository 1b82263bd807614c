//! `understudy dev` with files whose ports are free: its own ports are fixed.

use rig::{Process, Rig, RigOptions, Side, Signal, until};
use std::net::TcpListener;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

async fn dev(rig: &Rig) -> Process {
    let directory = rig.path().to_str().expect("a path of ASCII");
    let mut command = rig.understudy(&["dev", "--dir", directory]);
    Process::start("dev", &mut command, &rig.path().join("dev.log"))
}

/// Until it says that the pair is up, for the `times`-th time.
async fn wait_for_welcome(process: &Process, times: usize) {
    until("dev says that the pair is up", PATIENCE, || async {
        let count = process.said().matches("Ctrl-C stops all three.").count();
        (count == times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn dev_starts_again_with_its_data_after_ctrl_c() {
    let rig = Rig::prepare(RigOptions::local()).await;
    let mut first = dev(&rig).await;
    wait_for_welcome(&first, 1).await;
    rig.etcdctl(Side::Alpha, &["put", "k", "v"])
        .await
        .expect_code(0);
    first.signal(Signal::INT);
    assert!(first.ended(PATIENCE).await.success());
    for side in Side::BOTH {
        assert!(rig.status(side).await.is_none(), "{side} still runs");
    }
    let mut second = dev(&rig).await;
    wait_for_welcome(&second, 2).await;
    let kept = rig.etcdctl(Side::Alpha, &["get", "k"]).await;
    assert_eq!(kept.expect_code(0).stdout, "k\nv\n");
    second.signal(Signal::INT);
    assert!(second.ended(PATIENCE).await.success());
}

#[tokio::test]
async fn dev_refuses_a_port_in_use_and_names_it() {
    let rig = Rig::prepare(RigOptions::local()).await;
    let address = rig.clients(Side::Bravo);
    let taken = TcpListener::bind(address).expect("a free port");
    let directory = rig.path().to_str().expect("a path of ASCII");
    rig.command(&["dev", "--dir", directory])
        .await
        .expect_code(20)
        .expect_said("E105")
        .expect_said(&address.to_string());
    drop(taken);
    assert!(!rig.data(Side::Alpha).exists());
}
