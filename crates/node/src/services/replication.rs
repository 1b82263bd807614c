//! `Replication.Follow` on the primary: compare histories, send, take reports.

use super::echo::Echo;
use super::fetch;
use super::peers::{Peers, Report};
use super::sender::{self, Way};
use crate::driver::DriverHandle;
use crate::node::Observer;
use crate::shard::ShardCore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use understudy_protocol::StandbyId;
use understudy_protocol::shard::{History, common_position};
use understudy_tls::PeerInfo;
use understudy_types::{
    Clock, ClusterId, DataId, Epoch, Lsn, NodeId, Position, ShardName, lsn_value,
};
use understudy_wire::v1::{
    EpochFork, FetchRequest, FollowRequest, FollowResponse, Hello, Progress, Welcome,
    follow_request, follow_response, replication_server::Replication,
};
use understudy_wire::{MalformedMessage, id_bytes};

const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// Messages that may wait for the network, per stream. What is in them is in
/// the shard's tail, or was just read from a segment.
const OUTGOING_MAX: usize = 64;

pub(crate) struct ReplicationService {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    pub(crate) shards: BTreeMap<ShardName, Arc<ShardCore>>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) driver: DriverHandle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: AtomicU64,
    pub(crate) way: Way,
    pub(crate) observer: Observer,
}

/// A hello that makes sense.
struct Caller {
    standby: StandbyId,
    shard: Arc<ShardCore>,
    epoch: Epoch,
    history: History,
    /// Compressions that it understands.
    accepts: Vec<String>,
}

fn malformed(error: MalformedMessage) -> Status {
    Status::invalid_argument(error.to_string())
}

fn history(head: Option<Position>, epochs: Vec<EpochFork>) -> Result<History, MalformedMessage> {
    let epochs = epochs.into_iter().map(|epoch| {
        let fork = epoch.fork.map(Position::try_from).transpose()?;
        Ok((Epoch::new(epoch.epoch), fork))
    });
    Ok(History {
        epochs: epochs.collect::<Result<_, _>>()?,
        head,
    })
}

impl ReplicationService {
    fn caller(&self, hello: Hello, peer: Option<&PeerInfo>) -> Result<Caller, Status> {
        if hello.protocol != 1 {
            let text = format!(
                "replication protocol {} is not spoken here, only 1",
                hello.protocol
            );
            return Err(Status::failed_precondition(text));
        }
        let shard = self.shard(&hello.cluster, &hello.shard)?;
        let node: NodeId = hello
            .node
            .parse()
            .map_err(|_| Status::invalid_argument("malformed node name"))?;
        if node == self.node {
            let text = format!("{node} is this node's own name: every node needs its own");
            return Err(Status::failed_precondition(text));
        }
        if !peer.is_some_and(|info| info.peer.is_node(&node)) {
            let who = peer.map_or("nobody".to_owned(), |info| info.peer.to_string());
            let text =
                format!("the hello says that node {node} calls, its certificate is of {who}");
            tracing::warn!(why = text, "a stream was refused");
            return Err(Status::permission_denied(text));
        }
        let data_id = DataId::from_bytes(id_bytes(&hello.data_id, "data_id").map_err(malformed)?);
        let head = hello
            .head
            .map(Position::try_from)
            .transpose()
            .map_err(malformed)?;
        Ok(Caller {
            standby: StandbyId { node, data_id },
            shard,
            epoch: Epoch::new(hello.epoch),
            accepts: hello.accepts,
            history: history(head, hello.epochs).map_err(malformed)?,
        })
    }

    /// A shard of this cluster, by its name.
    fn shard(&self, cluster: &[u8], name: &str) -> Result<Arc<ShardCore>, Status> {
        let cluster = id_bytes(cluster, "cluster").map_err(malformed)?;
        if ClusterId::from_bytes(cluster) != self.cluster {
            let text = format!("this node is of cluster {}", self.cluster);
            return Err(Status::failed_precondition(text));
        }
        let name = name.parse::<ShardName>();
        let name = name.map_err(|e| Status::invalid_argument(e.to_string()))?;
        let shard = self.shards.get(&name).ok_or_else(|| {
            Status::not_found(format!(
                "no shard {name} here: both sites need the same shards"
            ))
        })?;
        Ok(Arc::clone(shard))
    }

    /// Whether this node writes the epoch that the caller asks for.
    async fn check_epoch(&self, caller: &Caller) -> Result<(), Status> {
        let open = caller.shard.marks.lock().epoch();
        match open {
            None => Err(Status::unavailable("this node is not the primary")),
            Some(open) if caller.epoch > open => {
                self.driver.peer_promised(caller.epoch).await;
                let text = format!(
                    "epoch {} is promised, this primary is at {open}",
                    caller.epoch
                );
                Err(Status::failed_precondition(text))
            }
            Some(open) if caller.epoch < open => {
                let text = format!("this primary is at epoch {open}: read the lease again");
                Err(Status::failed_precondition(text))
            }
            Some(_) => Ok(()),
        }
    }

    /// The last position that both logs share, proved by its hash.
    async fn common(&self, caller: &Caller) -> Result<Option<Position>, Status> {
        let ours = caller.shard.marks.lock().history.clone();
        let common = common_position(&ours, &caller.history)
            .map_err(|refusal| Status::failed_precondition(refusal.to_string()))?;
        let Some(common) = common.filter(|common| ours.head != Some(*common)) else {
            return Ok(common);
        };
        let readers = caller.shard.readers.clone();
        let found = tokio::task::spawn_blocking(move || {
            let mut reader = readers.read_from(common.lsn)?;
            reader.next(common.lsn)
        });
        let found = found
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let found = found.map_err(|error| Status::internal(error.to_string()))?;
        if found.map(|batch| batch.position()) != Some(common) {
            let text = format!(
                "DIVERGED: record {} of the same epoch differs here",
                common.lsn
            );
            return Err(Status::data_loss(text));
        }
        Ok(Some(common))
    }

    fn spawn_report_reader(
        &self,
        caller: Caller,
        connection: u64,
        mut requests: Streaming<FollowRequest>,
        echo: Echo,
    ) {
        let (peers, clock) = (Arc::clone(&self.peers), Arc::clone(&self.clock));
        let Caller {
            standby,
            shard,
            epoch,
            ..
        } = caller;
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                let Some(follow_request::Message::Progress(progress)) = request.message else {
                    break;
                };
                if !take_report(&shard, &standby, epoch, &peers, &*clock, &echo, progress) {
                    break;
                }
            }
            tracing::info!(shard = %shard.name, standby = %standby.node, "standby disconnected");
            peers.disconnected(&standby, &shard.name, connection);
        });
    }
}

/// Whether the report made sense.
fn take_report(
    shard: &ShardCore,
    standby: &StandbyId,
    epoch: Epoch,
    peers: &Peers,
    clock: &dyn Clock,
    echo: &Echo,
    progress: Progress,
) -> bool {
    let now = clock.now();
    let Ok(flushed) = progress.flushed.map(Position::try_from).transpose() else {
        return false;
    };
    echo.note(progress.tick, now);
    let report = Report {
        flushed,
        applied: progress.applied,
        state_diverged: progress.state_diverged,
        vouched: progress.vouched,
    };
    peers.reported(standby, &shard.name, report, now);
    let upto = flushed.map(|position| position.lsn);
    let mut marks = shard.marks.lock();
    if lsn_value(upto) > lsn_value(marks.flushed.map(|position| position.lsn)) {
        tracing::error!(shard = %shard.name, standby = %standby.node, "a standby reports records that this primary never flushed");
        return false;
    }
    let before = marks.committed;
    marks.peer_flushed(epoch, standby, upto);
    let moved = marks.committed != before;
    drop(marks);
    if moved {
        shard.announce();
    }
    true
}

#[tonic::async_trait]
impl Replication for ReplicationService {
    type FollowStream = ReceiverStream<Result<FollowResponse, Status>>;
    type FetchStream = fetch::Fetched;

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        let shard = self.shard(&request.cluster, &request.shard)?;
        let (from, upto) = (Lsn::new(request.from_lsn), Lsn::new(request.upto_lsn));
        let Some((from, upto)) = from.zip(upto) else {
            return Err(Status::invalid_argument("records count from 1"));
        };
        Ok(Response::new(fetch::fetch(shard, from, upto)))
    }

    async fn follow(
        &self,
        request: Request<Streaming<FollowRequest>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let peer = request.extensions().get::<PeerInfo>().cloned();
        let mut requests = request.into_inner();
        let first = tokio::time::timeout(HELLO_TIMEOUT, requests.message())
            .await
            .map_err(|_| Status::deadline_exceeded("no hello in time"))??;
        let Some(FollowRequest {
            message: Some(follow_request::Message::Hello(hello)),
        }) = first
        else {
            return Err(Status::invalid_argument("a stream begins with a hello"));
        };
        let caller = self.caller(hello, peer.as_ref())?;
        self.check_epoch(&caller).await?;
        let common = self.common(&caller).await?;
        let connection = self.connections.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        self.peers
            .connected(&caller.standby, &caller.shard.name, connection, common, now);
        tracing::info!(
            shard = %caller.shard.name, standby = %caller.standby.node,
            from = lsn_value(common.map(|position| position.lsn)), "standby connected"
        );
        let (outgoing, responses) = mpsc::channel(OUTGOING_MAX);
        let welcome = Welcome {
            epoch: caller.epoch.get(),
            common: common.map(Into::into),
            head: caller.shard.flushed().map(Into::into),
            profile_json: serde_json::to_string(&self.observer.profile())
                .expect("a profile is always representable"),
        };
        let welcome = follow_response::Message::Welcome(welcome);
        outgoing
            .try_send(Ok(FollowResponse {
                message: Some(welcome),
            }))
            .expect("the channel is empty");
        let echo = Echo::default();
        let from = Lsn::after(common.map(|position| position.lsn));
        tokio::spawn(sender::send(sender::Sending {
            shard: Arc::clone(&caller.shard),
            epoch: caller.epoch,
            from,
            echo: echo.clone(),
            peers: Arc::clone(&self.peers),
            hint: self.driver.hints(),
            clock: Arc::clone(&self.clock),
            way: self.way.accepted_by(&caller.accepts),
            outgoing,
        }));
        self.spawn_report_reader(caller, connection, requests, echo);
        Ok(Response::new(ReceiverStream::new(responses)))
    }
}
