//! What operators and tools ask of this node.

use super::access::author;
use super::log::find;
use crate::audit::{Audit, AuditAct, AuditWriter};
use crate::driver::DriverHandle;
use crate::maintenance::Maintenance;
use crate::node::Observer;
use crate::receipts;
use crate::shard::{LogCommand, ShardCore};
use crate::status::{MaintenanceStatus, Receipt};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use understudy_protocol::control::Errand;
use understudy_protocol::{Mode, RequestId, RoleName};
use understudy_types::{Clock, Epoch, NodeId, ShardName, lsn_value};
use understudy_wire::v1::{
    AcknowledgeRequest, ActivationStep, AuditRequest, AuditResponse, ErrandResponse, ForgetRequest,
    KnockRequest, KnockResponse, MaintenanceRequest, MaintenanceResponse, ProfileRequest,
    ProfileResponse, RebuildStateRequest, RebuildStateResponse, RebuiltShard, ReceiptsRequest,
    ReceiptsResponse, StatusRequest, StatusResponse, VerdictRequest, VerdictResponse,
    WatchActivationRequest, admin_server::Admin,
};

pub(crate) struct AdminService {
    pub(crate) observer: Observer,
    pub(crate) driver: DriverHandle,
    pub(crate) shards: BTreeMap<ShardName, Arc<ShardCore>>,
    pub(crate) audit: Audit,
    pub(crate) audit_writer: Arc<AuditWriter>,
    pub(crate) maintenance: Maintenance,
    pub(crate) clock: Arc<dyn Clock>,
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Status> {
    serde_json::to_string(value).map_err(|error| Status::internal(error.to_string()))
}

fn request_id(text: &str) -> Result<RequestId, Status> {
    let malformed = |_| Status::invalid_argument("an id has 32 hexadecimal digits");
    text.parse().map_err(malformed)
}

/// What became of an operator's errand.
struct ErrandAnswer {
    is_done: bool,
    response: ErrandResponse,
}

impl AdminService {
    /// Returns when it is stored in the lease, or refused.
    async fn run_errand(&self, id: RequestId, errand: Errand) -> Result<ErrandAnswer, Status> {
        let activations = self.driver.activations();
        let mut changed = activations.changed();
        self.driver.run_errand(id, errand).await;
        let stopped = self.observer.stopped();
        loop {
            changed.borrow_and_update();
            if let Some((step, _, true)) = activations.step(id, 0) {
                return Ok(ErrandAnswer {
                    is_done: ["acknowledged", "forgotten"].contains(&step.step.as_str()),
                    response: ErrandResponse {
                        failed: step.step == "refused",
                        detail: step.detail,
                    },
                });
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = stopped.cancelled() => return Err(Status::unavailable("the node ends")),
            }
        }
    }
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let json = json(&self.observer.status())?;
        Ok(Response::new(StatusResponse { json }))
    }

    async fn knock(&self, _: Request<KnockRequest>) -> Result<Response<KnockResponse>, Status> {
        self.driver.knock().await;
        Ok(Response::new(KnockResponse {}))
    }

    async fn verdict(
        &self,
        request: Request<VerdictRequest>,
    ) -> Result<Response<VerdictResponse>, Status> {
        let VerdictRequest { mode, expect_epoch } = request.into_inner();
        let mode = match mode.as_str() {
            "switchover" => Mode::Switchover,
            "failover" => Mode::Failover,
            other => {
                let text = format!("mode {other:?}: give \"switchover\" or \"failover\"");
                return Err(Status::invalid_argument(text));
            }
        };
        let expected = (expect_epoch > 0).then(|| Epoch::new(expect_epoch));
        let json = json(&self.observer.verdict(mode, expected).await)?;
        Ok(Response::new(VerdictResponse { json }))
    }

    async fn profile(
        &self,
        _: Request<ProfileRequest>,
    ) -> Result<Response<ProfileResponse>, Status> {
        let json = json(&self.observer.profile())?;
        Ok(Response::new(ProfileResponse { json }))
    }

    async fn receipts(
        &self,
        request: Request<ReceiptsRequest>,
    ) -> Result<Response<ReceiptsResponse>, Status> {
        let last = request.into_inner().last as usize;
        let observer = self.observer.clone();
        let read = tokio::task::spawn_blocking(move || observer.receipts()).await;
        let read = read.map_err(|error| Status::internal(error.to_string()))?;
        let receipts = read.map_err(|error| Status::internal(error.to_string()))?;
        let json = json(&receipts::newest(&receipts, last))?;
        Ok(Response::new(ReceiptsResponse { json }))
    }

    async fn audit(
        &self,
        request: Request<AuditRequest>,
    ) -> Result<Response<AuditResponse>, Status> {
        let json = request.into_inner().json;
        let act = AuditAct::decode(json.as_bytes())
            .ok_or_else(|| Status::invalid_argument("no act that this version knows"))?;
        let lsn = self.audit_writer.write(&act).await;
        let lsn = lsn.ok_or_else(|| Status::unavailable("this node does not write"))?;
        Ok(Response::new(AuditResponse { lsn: lsn.get() }))
    }

    async fn rebuild_state(
        &self,
        request: Request<RebuildStateRequest>,
    ) -> Result<Response<RebuildStateResponse>, Status> {
        let by = author(&request, &request.get_ref().by);
        let RebuildStateRequest { shard, .. } = request.into_inner();
        let shards: Vec<_> = match shard.as_str() {
            "" => self.shards.values().collect(),
            name => vec![find(&self.shards, name)?],
        };
        let role = self.observer.role();
        if role != Some(RoleName::Standby) {
            let role = role.map_or("starting".to_owned(), |role| role.to_string());
            let text = format!("this node is {role}: only a standby makes its state anew");
            return Err(Status::failed_precondition(text));
        }
        let rebuilt = shards.into_iter().map(rebuild);
        let shards = futures::future::try_join_all(rebuilt).await?;
        let names: Vec<_> = shards.iter().map(|shard| &shard.name).collect();
        let facts = serde_json::json!({ "shards": names });
        self.audit.note("state_rebuilt", by, facts);
        Ok(Response::new(RebuildStateResponse { shards }))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<ErrandResponse>, Status> {
        let by = author(&request, &request.get_ref().by);
        let AcknowledgeRequest {
            id, expect_epoch, ..
        } = request.into_inner();
        let errand = Errand::Acknowledge {
            expect_epoch: Epoch::new(expect_epoch),
        };
        let answer = self.run_errand(request_id(&id)?, errand).await?;
        if answer.is_done {
            let facts = serde_json::json!({ "epoch": expect_epoch });
            self.audit.note("acknowledged", by, facts);
        }
        Ok(Response::new(answer.response))
    }

    async fn forget(
        &self,
        request: Request<ForgetRequest>,
    ) -> Result<Response<ErrandResponse>, Status> {
        let by = author(&request, &request.get_ref().by);
        let ForgetRequest { id, standby, .. } = request.into_inner();
        let named = standby.parse::<NodeId>();
        let named = named.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let errand = Errand::Forget { standby: named };
        let answer = self.run_errand(request_id(&id)?, errand).await?;
        if answer.is_done {
            let facts = serde_json::json!({ "standby": standby });
            self.audit.note("standby_forgotten", by, facts);
        }
        Ok(Response::new(answer.response))
    }

    async fn maintenance(
        &self,
        request: Request<MaintenanceRequest>,
    ) -> Result<Response<MaintenanceResponse>, Status> {
        let by = author(&request, &request.get_ref().by);
        let MaintenanceRequest { on, reason, .. } = request.into_inner();
        let mark = on.then(|| MaintenanceStatus {
            since_wall_millis: self.clock.wall_millis(),
            by: by.clone(),
            reason: reason.clone(),
        });
        let maintenance = self.maintenance.clone();
        let set = tokio::task::spawn_blocking(move || maintenance.set(mark)).await;
        set.map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| Status::internal(format!("it could not be made durable: {error}")))?;
        // What had a place before is flushed now; nothing gets one any more.
        for shard in self.shards.values() {
            shard.ask(|reply| LogCommand::Barrier { reply }).await;
        }
        let act = if on {
            "maintenance_on"
        } else {
            "maintenance_off"
        };
        tracing::info!(by, reason, "{act}");
        self.audit
            .note(act, by, serde_json::json!({ "reason": reason }));
        Ok(Response::new(MaintenanceResponse {}))
    }

    type WatchActivationStream = Pin<Box<dyn Stream<Item = Result<ActivationStep, Status>> + Send>>;

    async fn watch_activation(
        &self,
        request: Request<WatchActivationRequest>,
    ) -> Result<Response<Self::WatchActivationStream>, Status> {
        let id = request_id(&request.into_inner().id)?;
        let activations = self.driver.activations();
        let stream = async_stream(activations, id, self.observer.stopped());
        Ok(Response::new(Box::pin(stream)))
    }
}

/// Asks for the state to be made anew, and waits until it is.
async fn rebuild(shard: &Arc<ShardCore>) -> Result<RebuiltShard, Status> {
    let number = shard.update(|marks| marks.ask_rebuild());
    let rebuilt = shard.wait_until(|marks| marks.is_rebuilt(number).then_some(marks.applied));
    let rebuilt = rebuilt.await;
    let applied = rebuilt.ok_or_else(|| Status::unavailable("the node is shutting down"))?;
    Ok(RebuiltShard {
        name: shard.name.to_string(),
        applied: lsn_value(applied),
    })
}

/// The steps of one activation as they come, then its end.
fn async_stream(
    activations: crate::driver::Activations,
    id: RequestId,
    stopped: tokio_util::sync::CancellationToken,
) -> impl Stream<Item = Result<ActivationStep, Status>> + Send {
    let state = (activations, 0_usize, false, stopped);
    futures::stream::unfold(
        state,
        move |(activations, sent, done, stopped)| async move {
            if done {
                return None;
            }
            let mut changed = activations.changed();
            loop {
                changed.borrow_and_update();
                if let Some((step, receipt, last)) = activations.step(id, sent) {
                    let message = ActivationStep {
                        elapsed_micros: step.elapsed_micros,
                        node: step.node.to_string(),
                        failed: matches!(step.step.as_str(), "refused" | "aborted"),
                        step: step.step,
                        detail: step.detail,
                        receipt_json: receipt.as_ref().map(receipt_json).unwrap_or_default(),
                    };
                    return Some((Ok(message), (activations, sent + 1, last, stopped)));
                }
                tokio::select! {
                    _ = changed.changed() => {}
                    () = stopped.cancelled() => return None,
                }
            }
        },
    )
}

fn receipt_json(receipt: &Receipt) -> String {
    serde_json::to_string(receipt).expect("a receipt is always representable")
}
