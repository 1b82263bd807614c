//! From the activation flag to the first durable acknowledged write, when the
//! old primary has released the lease: there is nothing to wait for, so what
//! is measured is what a promotion itself costs. Again and again, the roles
//! changing with each round.

use crate::{PATIENCE, Process, Rig, RigOptions, Side, Spread, until};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use understudy_protocol::{AcceptLoss, ActivationRequest, Lease, Mode, RequestId};
use understudy_store::{Condition, Fetched, ObjectStore, PutAnswer, S3Store};
use understudy_wire::etcd::etcdserverpb::{PutRequest, kv_client::KvClient};
use understudy_wire::v1::{KnockRequest, admin_client::AdminClient};

/// For loading many keys, and for a start with many.
const LOAD_PATIENCE: Duration = Duration::from_secs(600);

/// What to measure.
#[derive(Clone, Debug)]
pub struct FirstWriteOptions {
    pub keys: u64,
    pub value_size: u32,
    pub rounds: u32,
}

/// What all rounds gave.
#[derive(Clone, Debug, Default)]
pub struct FirstWriteReport {
    pub keys: u64,
    /// From the answer to the flag's put to that of the client's put.
    pub after_flag: Spread,
    /// The same, and the flag's own put.
    pub with_flag: Spread,
}

impl fmt::Display for FirstWriteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} keys: flag to first write {}; with the flag's own put {}; {} rounds",
            self.keys,
            self.after_flag,
            self.with_flag,
            self.after_flag.len(),
        )
    }
}

/// Runs all rounds on one pair. Panics when a round cannot be completed.
pub async fn run(options: &FirstWriteOptions) -> FirstWriteReport {
    let mut rig = Rig::start(RigOptions::local()).await;
    load(&rig, options).await;
    let store = rig.store_client().await;
    let mut report = FirstWriteReport {
        keys: options.keys,
        ..FirstWriteReport::default()
    };
    let mut primary = Side::Alpha;
    for _ in 0..options.rounds {
        round(&mut rig, &store, primary, &mut report).await;
        primary = primary.other();
    }
    report
}

async fn load(rig: &Rig, options: &FirstWriteOptions) {
    let mut command = rig.understudy(&["bench", "put", "--in-flight", "256"]);
    command
        .args(["--endpoints", &rig.clients(Side::Alpha).to_string()])
        .args(["--count", &options.keys.to_string()])
        .args(["--key-space", &options.keys.to_string()])
        .args(["--value-size", &options.value_size.to_string()]);
    let log = rig.path().join("load.log");
    let mut loading = Process::start("the load", &mut command, &log);
    let status = loading.ended(LOAD_PATIENCE).await;
    assert!(status.success(), "{}", loading.said());
}

async fn round(rig: &mut Rig, store: &S3Store, primary: Side, report: &mut FirstWriteReport) {
    let standby = primary.other();
    rig.wait_for_standby(standby).await;
    rig.wait_for_equal_heads().await;
    rig.stop_node(primary).await;
    until("the standby sees the release", PATIENCE, || async {
        let status = rig.status(standby).await?;
        (status["lease"]["state"] == "released").then_some(())
    })
    .await;
    let clients = channel(rig.clients(standby).to_string()).await;
    let admin = channel(rig.replication(standby).to_string()).await;

    let (condition, request) = prepare(store, standby).await;
    let began = Instant::now();
    let flag = store
        .put("activation.json", request.encode().into(), condition)
        .await;
    let set = Instant::now();
    assert!(matches!(flag, Ok(PutAnswer::Applied(_))), "{flag:?}");
    let put = PutRequest {
        key: format!("first/{}", request.id).into(),
        ..PutRequest::default()
    };
    let (mut clients, mut admin) = (KvClient::new(clients), AdminClient::new(admin));
    let (knocked, put) = tokio::join!(admin.knock(KnockRequest {}), clients.put(put));
    let acknowledged = Instant::now();
    knocked.expect("the standby was knocked at");
    put.expect("the first write is acknowledged");
    report.after_flag.add(acknowledged - set);
    report.with_flag.add(acknowledged - began);

    rig.start_node(primary);
}

/// The request, and the state of the flag that it is to be written over.
async fn prepare(store: &S3Store, target: Side) -> (Condition, ActivationRequest) {
    let Ok(Fetched::Found(lease)) = store.get("lease.json", None).await else {
        panic!("the rig has a lease");
    };
    let lease = Lease::decode(&lease.body).expect("a lease");
    let condition = match store.get("activation.json", None).await {
        Ok(Fetched::Found(before)) => Condition::Matches(before.etag),
        Ok(_) => Condition::Absent,
        Err(error) => panic!("{error}"),
    };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&lease.epoch.get().to_be_bytes());
    let request = ActivationRequest {
        format: ActivationRequest::FORMAT,
        id: RequestId::from_bytes(id),
        cluster: lease.cluster,
        mode: Mode::Failover,
        target: target.name().parse().expect("a node's name"),
        expect_epoch: lease.epoch,
        expect_holder: None,
        accept_loss: AcceptLoss::Nothing,
        fenced_by: None,
        overrides: Vec::new(),
        by: "the measurement".to_owned(),
        reason: String::new(),
        not_after_ms: u64::MAX,
    };
    (condition, request)
}

async fn channel(address: String) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("the standby answers")
}
