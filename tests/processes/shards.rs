//! Several shards on one node: each a log, a keyspace and a client address of
//! its own, all under one lease.

use rig::{Rig, RigOptions, Side, free_ports, load_on, verified_at};
use std::net::SocketAddr;
use std::time::Duration;
use understudy_loadgen::{AckedWrites, Endpoint, Recorder, RecorderOptions};

const PATIENCE: Duration = Duration::from_secs(20);
const SHARDS: [&str; 3] = ["main", "orders", "sessions"];

async fn pair_of_three() -> (Rig, [[SocketAddr; 2]; 3]) {
    let [a, b, c, d] = free_ports();
    let options = RigOptions {
        more_shards: vec![(SHARDS[1], [a, b]), (SHARDS[2], [c, d])],
        ..RigOptions::replicated()
    };
    let rig = Rig::start(options).await;
    let clients = [rig.ports.clients, [a, b], [c, d]];
    (rig, clients)
}

fn endpoint(address: SocketAddr) -> Endpoint {
    let text = address.to_string();
    text.parse().expect("an address is an endpoint")
}

fn write_to(rig: &Rig, clients: [SocketAddr; 2]) -> Recorder {
    let options = RecorderOptions {
        endpoints: clients.map(endpoint).to_vec(),
        writers: 3,
        ..load_on(rig, &Side::BOTH)
    };
    Recorder::start(&options).expect("a recorder")
}

async fn more_everywhere(recorders: &[Recorder]) {
    for (recorder, shard) in recorders.iter().zip(SHARDS) {
        assert!(recorder.wait_for_acked(50, PATIENCE).await, "{shard}");
    }
}

/// Every shard's write is on its own shard, and nowhere else.
async fn verify(writes: &[AckedWrites], clients: &[[SocketAddr; 2]; 3], side: usize) {
    for (here, written) in writes.iter().enumerate() {
        for (there, addresses) in clients.iter().enumerate() {
            let found = verified_at(written, &[endpoint(addresses[side])]).await;
            match here == there {
                true => assert!(found.passed(), "{}: {found:?}", SHARDS[here]),
                false => assert_eq!(found.missing.count, written.counts().acked),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_shards_change_role_together_and_lose_nothing() {
    let (mut rig, clients) = pair_of_three().await;
    let recorders = clients.map(|clients| write_to(&rig, clients));
    more_everywhere(&recorders).await;
    let epoch = rig.epoch().await;
    rig.switchover(Side::Bravo, epoch).await.expect_code(0);
    rig.wait_for_standby(Side::Alpha).await;
    more_everywhere(&recorders).await;

    rig.kill_node(Side::Bravo);
    rig.failover(Side::Alpha, epoch + 1, &[])
        .await
        .expect_code(0);
    // Under `replicated` nobody acknowledges alone.
    rig.start_node(Side::Bravo);
    more_everywhere(&recorders).await;
    let mut writes = Vec::new();
    for recorder in recorders {
        writes.push(recorder.stop().await);
    }
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    verify(&writes, &clients, 0).await;
    assert_eq!(rig.epoch().await, epoch + 2);
    same_heads_offline(&mut rig).await;
}

/// `log verify` shows a head for each shard, the same on both sides.
async fn same_heads_offline(rig: &mut Rig) {
    rig.stop_node(Side::Bravo).await;
    rig.kill_node(Side::Alpha);
    let mut heads = Vec::new();
    for side in Side::BOTH {
        let data = rig.data(side);
        let line = ["log", "verify", data.to_str().expect("a path of ASCII")];
        let answer = rig.command(&line).await.expect_code(0);
        let lines = answer.stdout.lines().map(str::to_owned);
        heads.push(lines.filter(|line| line.contains(": ok, head ")).collect());
    }
    let [alpha, bravo]: [Vec<String>; 2] = heads.try_into().expect("two sides");
    assert_eq!(alpha, bravo);
    for shard in SHARDS {
        let named = alpha
            .iter()
            .filter(|line| line.starts_with(&format!("shard {shard}:")));
        assert_eq!(named.count(), 1, "{shard}: {alpha:?}");
    }
}
