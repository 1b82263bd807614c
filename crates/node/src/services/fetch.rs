//! `Replication.Fetch`: flushed batches for a node that repairs its log.

use crate::shard::ShardCore;
use crate::shard::cursor::Cursor;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use understudy_types::Lsn;
use understudy_wire::v1::FetchedBatch;

/// Batches that may wait for a slow caller.
const OUTGOING_MAX: usize = 8;

pub(super) type Fetched = ReceiverStream<Result<FetchedBatch, Status>>;

/// Sends the batches from the one that begins at `from`, up to `upto`.
pub(super) fn fetch(shard: Arc<ShardCore>, from: Lsn, upto: Lsn) -> Fetched {
    let (outgoing, batches) = mpsc::channel(OUTGOING_MAX);
    tokio::task::spawn_blocking(move || {
        let mut cursor = Cursor::new(from);
        loop {
            let upto = shard.flushed().map(|flushed| flushed.lsn.min(upto));
            let Some(upto) = upto.filter(|upto| cursor.next() <= *upto) else {
                return;
            };
            let read = cursor.read(&shard, upto);
            let read = match read {
                Ok(read) if read.is_empty() => return,
                Ok(read) => read,
                Err(error) => {
                    // A caller that has gone does not want to know.
                    let _ = outgoing.blocking_send(Err(Status::aborted(error.to_string())));
                    return;
                }
            };
            for batch in read {
                let batch = batch.bytes().clone();
                if outgoing.blocking_send(Ok(FetchedBatch { batch })).is_err() {
                    return;
                }
            }
        }
    });
    ReceiverStream::new(batches)
}
