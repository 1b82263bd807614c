//! The log as a service: append a command, tail what is committed.

use crate::handle::{ProposeError, ShardHandle};
use crate::shard::ShardCore;
use crate::shard::cursor::Cursor;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use understudy_log::{Batch, Record};
use understudy_state::StateMachine;
use understudy_types::{Lsn, ShardName};
use understudy_wire::v1::{
    AppendRequest, AppendResponse, TailRecord, TailRequest, TailResponse, log_server::Log,
    tail_record,
};

/// Responses that may wait for a slow consumer.
const OUTGOING_MAX: usize = 8;

pub(crate) struct LogService<S: StateMachine> {
    pub(crate) shards: BTreeMap<ShardName, Arc<ShardCore>>,
    pub(crate) handles: BTreeMap<ShardName, ShardHandle<S>>,
}

pub(super) fn find<'a, T>(shards: &'a BTreeMap<ShardName, T>, name: &str) -> Result<&'a T, Status> {
    let found = name
        .parse()
        .ok()
        .and_then(|name: ShardName| shards.get(&name));
    found.ok_or_else(|| {
        let names: Vec<_> = shards.keys().map(ShardName::as_str).collect();
        Status::not_found(format!(
            "no shard {name:?}; this node has {}",
            names.join(", ")
        ))
    })
}

/// The status of a proposal without an answer; its metadata says when it is
/// certain that nothing happened.
fn refused(error: ProposeError) -> Status {
    let mut status = Status::unavailable(error.to_string());
    if matches!(error, ProposeError::NotAccepted(_)) {
        let yes = MetadataValue::from_static("1");
        status.metadata_mut().insert("understudy-not-accepted", yes);
    }
    status
}

#[tonic::async_trait]
impl<S: StateMachine> Log for LogService<S> {
    type TailStream = ReceiverStream<Result<TailResponse, Status>>;

    async fn append(
        &self,
        request: Request<AppendRequest>,
    ) -> Result<Response<AppendResponse>, Status> {
        let AppendRequest { shard, command } = request.into_inner();
        let applied = find(&self.handles, &shard)?
            .propose(command)
            .await
            .map_err(refused)?;
        let (lsn, epoch) = (applied.lsn.get(), applied.epoch.get());
        Ok(Response::new(AppendResponse { lsn, epoch }))
    }

    async fn tail(
        &self,
        request: Request<TailRequest>,
    ) -> Result<Response<Self::TailStream>, Status> {
        let TailRequest {
            shard,
            from_lsn,
            until_now,
            only_audit,
        } = request.into_inner();
        let shard = Arc::clone(find(&self.shards, &shard)?);
        let wanted = match only_audit {
            true => Wanted::Audit,
            false => Wanted::All,
        };
        let from = Lsn::new(from_lsn).unwrap_or(Lsn::FIRST);
        let until = if until_now {
            Some(shard.marks.lock().committed)
        } else {
            None
        };
        let (outgoing, responses) = mpsc::channel(OUTGOING_MAX);
        tokio::spawn(async move {
            if let Err(status) = tail(&shard, from, until, wanted, &outgoing).await {
                let _ = outgoing.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(responses)))
    }
}

/// Which records a caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Audit,
}

/// Sends committed batches from `from` on, until `until` if given.
async fn tail(
    shard: &Arc<ShardCore>,
    from: Lsn,
    until: Option<Option<Lsn>>,
    wanted: Wanted,
    outgoing: &mpsc::Sender<Result<TailResponse, Status>>,
) -> Result<(), Status> {
    let mut cursor = Cursor::new(from);
    let mut changed = shard.changed.subscribe();
    loop {
        changed.borrow_and_update();
        let committed = shard.marks.lock().committed;
        let upto = until.unwrap_or(committed);
        if let Some(upto) = upto.filter(|upto| cursor.next() <= *upto) {
            let reading = Arc::clone(shard);
            let read = tokio::task::spawn_blocking(move || {
                let batches = cursor.read(&reading, upto);
                (cursor, batches)
            });
            let (moved, batches) = read.await.map_err(|e| Status::internal(e.to_string()))?;
            cursor = moved;
            let batches = batches.map_err(|error| Status::aborted(error.to_string()))?;
            for batch in &batches {
                let response = response(batch, from, wanted);
                if response.records.is_empty() && wanted == Wanted::Audit {
                    continue;
                }
                if outgoing.send(Ok(response)).await.is_err() {
                    return Ok(());
                }
            }
            if !batches.is_empty() {
                continue;
            }
        }
        if until.is_some() {
            return Ok(());
        }
        tokio::select! {
            _ = changed.changed() => {}
            () = outgoing.closed() => return Ok(()),
        }
        if shard.marks.lock().stopping {
            return Err(Status::unavailable("the node is shutting down"));
        }
    }
}

fn response(batch: &Batch, from: Lsn, wanted: Wanted) -> TailResponse {
    let records = batch
        .records()
        .filter(|(lsn, _)| *lsn >= from)
        .filter(|(_, record)| wanted == Wanted::All || matches!(record, Record::Audit(_)))
        .map(|(lsn, record)| {
            let record = match record {
                Record::Command(command) => tail_record::Record::Command(command),
                Record::Audit(act) => tail_record::Record::Audit(act),
                Record::EpochStart(start) => {
                    tail_record::Record::EpochStart(start.holder.to_string())
                }
            };
            TailRecord {
                lsn: lsn.get(),
                epoch: batch.epoch().get(),
                wall_millis: batch.wall_millis(),
                record: Some(record),
            }
        });
    TailResponse {
        records: records.collect(),
        chain_hash: bytes::Bytes::copy_from_slice(batch.position().hash.as_bytes()),
    }
}
