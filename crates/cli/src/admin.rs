//! A node's Admin service, with short patience.

use crate::credentials::CredentialArgs;
use crate::operator::operator;
use bytes::Bytes;
use futures::future::join_all;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use understudy_node::profile::NodeProfile;
use understudy_node::status::{Receipt, Status, Verdict};
use understudy_protocol::RequestId;
use understudy_tls::{Dialer, Expected};
use understudy_types::{Epoch, NodeId, ShardName, innermost_cause};
use understudy_wire::v1::{
    AcknowledgeRequest, ActivationStep, ErrandResponse, ForgetRequest, KnockRequest,
    MaintenanceRequest, ProfileRequest, RebuildStateRequest, RebuiltShard, ReceiptsRequest,
    StatusRequest, TailRequest, VerdictRequest, WatchActivationRequest, admin_client::AdminClient,
    log_client::LogClient, tail_record,
};

static SPEAKER: OnceLock<Speaker> = OnceLock::new();

const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
const CALL_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) const DEFAULT_ENDPOINTS: [&str; 2] = ["127.0.0.1:2390", "127.0.0.1:2490"];

/// Why a node did not answer, in words.
pub(crate) type NoAnswer = String;

async fn client(address: &str) -> Result<AdminClient<Channel>, NoAnswer> {
    Ok(AdminClient::new(channel(address).await?))
}

async fn channel(address: &str) -> Result<Channel, NoAnswer> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| format!("{address:?} is not HOST:PORT: {error}"))?
        .connect_timeout(CONNECT_PATIENCE);
    let dialer = dialer()?.unwrap_or_default();
    let connecting = dialer.connect(&endpoint, Expected::AnyNode);
    let connecting = tokio::time::timeout(CONNECT_PATIENCE, connecting).await;
    match connecting {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(innermost_cause(&error)),
        Err(_) => Err(format!("no connection within {CONNECT_PATIENCE:?}")),
    }
}

/// What a node said instead of an answer.
fn told(status: &tonic::Status) -> NoAnswer {
    match status.source() {
        Some(_) => format!("{}{}", innermost_cause(status), hint()),
        None => format!("{:?}: {}", status.code(), status.message()),
    }
}

/// A node that speaks TLS closes a connection of plain text without a word.
fn hint() -> &'static str {
    match dialer() {
        Ok(Some(_)) => "",
        _ => "; where nodes speak TLS, give --ca, --cert and --key",
    }
}

/// Whom a process speaks as.
#[derive(Debug)]
pub(crate) enum Speaker {
    /// Files are read when somebody is asked.
    Operator(CredentialArgs),
    /// A node that runs in this process.
    Node(Dialer),
}

/// Called once, before anybody is asked: it does not change.
pub(crate) fn speak_as(speaker: Speaker) {
    SPEAKER.get_or_init(|| speaker);
}

/// None: plain text is spoken.
fn dialer() -> Result<Option<Dialer>, NoAnswer> {
    match SPEAKER.get() {
        Some(Speaker::Operator(credentials)) => {
            credentials.dialer().map_err(|error| format!("{error:#}"))
        }
        Some(Speaker::Node(dialer)) => Ok(Some(dialer.clone())),
        None => Ok(None),
    }
}

async fn in_time<T>(
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, NoAnswer> {
    match tokio::time::timeout(CALL_PATIENCE, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) if status.code() == tonic::Code::Unimplemented => {
            Err("something else answers there, or a node of an older version: give a node's replication address".to_owned())
        }
        Ok(Err(status)) => Err(told(&status)),
        Err(_) => Err(format!("connected, but no answer within {CALL_PATIENCE:?}")),
    }
}

pub(crate) async fn status(address: &str) -> Result<Status, NoAnswer> {
    let mut client = client(address).await?;
    let response = in_time(client.status(StatusRequest {})).await?;
    serde_json::from_str(&response.json)
        .map_err(|error| format!("its status cannot be read (another version?): {error}"))
}

/// What a node says of itself, for another one to compare.
pub(crate) async fn profile(address: &str) -> Result<NodeProfile, NoAnswer> {
    let mut client = client(address).await?;
    let response = in_time(client.profile(ProfileRequest {})).await?;
    serde_json::from_str(&response.json)
        .map_err(|error| format!("its profile cannot be read (another version?): {error}"))
}

/// What nodes keep, and who did not say what it keeps.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// In no order; of a node with two addresses twice.
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) silent: Vec<(String, NoAnswer)>,
}

/// Asks every address at once, each once, for the newest receipts.
pub(crate) async fn gather_receipts(addresses: Vec<String>, last: u32) -> Gathered {
    let addresses: BTreeSet<_> = addresses.into_iter().collect();
    let asked = addresses.iter().map(|address| receipts(address, last));
    let answers = join_all(asked).await;
    let mut gathered = Gathered::default();
    for (address, answer) in addresses.into_iter().zip(answers) {
        match answer {
            Ok(receipts) => gathered.receipts.extend(receipts),
            Err(why) => gathered.silent.push((address, why)),
        }
    }
    gathered
}

async fn receipts(address: &str, last: u32) -> Result<Vec<Receipt>, NoAnswer> {
    let mut client = client(address).await?;
    let response = in_time(client.receipts(ReceiptsRequest { last })).await?;
    serde_json::from_str(&response.json)
        .map_err(|error| format!("its receipts cannot be read (another version?): {error}"))
}

pub(crate) async fn verdict(
    address: &str,
    mode: &str,
    expect_epoch: u64,
) -> Result<Verdict, NoAnswer> {
    let mut client = client(address).await?;
    let request = VerdictRequest {
        mode: mode.to_owned(),
        expect_epoch,
    };
    let response = in_time(client.verdict(request)).await?;
    serde_json::from_str(&response.json)
        .map_err(|error| format!("its verdict cannot be read (another version?): {error}"))
}

/// Why a state was not made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RebuildFailure {
    /// Nothing happened.
    Refused(String),
    NoAnswer(NoAnswer),
}

/// Returns when the state is made anew, however long that takes.
pub(crate) async fn rebuild_state(
    address: &str,
    shard: Option<&ShardName>,
) -> Result<Vec<RebuiltShard>, RebuildFailure> {
    let mut client = client(address).await.map_err(RebuildFailure::NoAnswer)?;
    let shard = shard.map(ToString::to_string).unwrap_or_default();
    let response = client
        .rebuild_state(RebuildStateRequest {
            shard,
            by: operator(),
        })
        .await;
    match response {
        Ok(response) => Ok(response.into_inner().shards),
        Err(status) if status.code() == tonic::Code::FailedPrecondition => {
            Err(RebuildFailure::Refused(status.message().to_owned()))
        }
        Err(status) => Err(RebuildFailure::NoAnswer(told(&status))),
    }
}

/// Makes the node look at the flag now. A hint: an error costs only time.
pub(crate) async fn knock(address: &str) -> Result<(), NoAnswer> {
    let mut client = client(address).await?;
    in_time(client.knock(KnockRequest {})).await.map(|_| ())
}

/// Tells the primary that the last automatic failover has been looked at.
pub(crate) async fn acknowledge(
    address: &str,
    id: RequestId,
    expect_epoch: Epoch,
) -> Result<ErrandResponse, NoAnswer> {
    let mut client = client(address).await?;
    let request = AcknowledgeRequest {
        id: id.to_string(),
        expect_epoch: expect_epoch.get(),
        by: operator(),
    };
    in_time(client.acknowledge(request)).await
}

/// Tells the primary that a standby is gone for good.
pub(crate) async fn forget(
    address: &str,
    id: RequestId,
    standby: &NodeId,
) -> Result<ErrandResponse, NoAnswer> {
    let mut client = client(address).await?;
    let request = ForgetRequest {
        id: id.to_string(),
        standby: standby.to_string(),
        by: operator(),
    };
    in_time(client.forget(request)).await
}

/// Refuses writes with a reason, or takes them again without.
pub(crate) async fn set_maintenance(address: &str, reason: Option<&str>) -> Result<(), NoAnswer> {
    let mut client = client(address).await?;
    let request = MaintenanceRequest {
        on: reason.is_some(),
        reason: reason.unwrap_or_default().to_owned(),
        by: operator(),
    };
    in_time(client.maintenance(request)).await.map(|_| ())
}

/// The steps of one request on one node, past ones first.
pub(crate) async fn watch(
    address: &str,
    id: RequestId,
) -> Result<Streaming<ActivationStep>, NoAnswer> {
    let mut client = client(address).await?;
    // The answer's head may come only with the first step: no limit here.
    let request = WatchActivationRequest { id: id.to_string() };
    let response = client.watch_activation(request).await;
    response
        .map(tonic::Response::into_inner)
        .map_err(|status| told(&status))
}

/// The audit records of a node's first shard: Lsn, epoch and body of each.
pub(crate) async fn audit_records(
    address: &str,
    since: u64,
) -> Result<Vec<(u64, u64, Bytes)>, NoAnswer> {
    let status = status(address).await?;
    let Some(shard) = status.shards.keys().next() else {
        return Ok(Vec::new());
    };
    let request = TailRequest {
        shard: shard.to_string(),
        from_lsn: since,
        until_now: true,
        only_audit: true,
    };
    let mut client = LogClient::new(channel(address).await?);
    let mut records = client
        .tail(request)
        .await
        .map_err(|s| told(&s))?
        .into_inner();
    let mut found = Vec::new();
    while let Some(response) = records.message().await.map_err(|s| told(&s))? {
        for record in response.records {
            if let Some(tail_record::Record::Audit(body)) = record.record {
                found.push((record.lsn, record.epoch, body));
            }
        }
    }
    Ok(found)
}

/// Every node that answers, with its address, asked at once; and why the
/// others did not. Each address is asked once.
pub(crate) async fn ask_all(addresses: Vec<String>) -> Vec<(String, Result<Status, NoAnswer>)> {
    let mut unique: Vec<String> = Vec::new();
    for address in addresses {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    join_all(unique.into_iter().map(|address| async move {
        let answer = status(&address).await;
        (address, answer)
    }))
    .await
}
