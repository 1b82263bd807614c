//! Storing one shard's flushed batches in slots.

use super::{RETRY_AFTER, draw_nonce};
use crate::driver::{DriverHandle, NodeStore};
use crate::shard::ShardCore;
use crate::shard::cursor::Cursor;
use bytes::Bytes;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use understudy_log::{Batch, LogError};
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::{
    FillStep, Filler, Inspected, Slot, SlotContents, SlotNumber, inspect,
};
use understudy_types::{ClusterId, Epoch, Lsn, Nonce};

/// One shard's work; ends when it is dropped. Batches gather while a put is
/// under way: the store sets the slot's size, no timer does.
pub(crate) struct Fill {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) store: NodeStore,
    pub(crate) driver: DriverHandle,
    pub(crate) cluster: ClusterId,
    pub(crate) epoch: Epoch,
    pub(crate) first: SlotNumber,
    pub(crate) base: Option<Lsn>,
    pub(crate) free: Option<SlotNumber>,
}

/// What is put into one slot, kept until the answer is definite.
struct Kept {
    nonce: Nonce,
    body: Bytes,
}

/// Why no slot can be filled any more.
enum Stop {
    Fenced,
    Log(LogError),
}

impl Fill {
    pub(crate) async fn run(self) {
        let shard = Arc::clone(&self.shard);
        match self.fill().await {
            Stop::Fenced => {
                tracing::warn!(
                    shard = %shard.name, epoch = %self.epoch,
                    "the slots in the object store are sealed by a newer epoch, or cannot be read: nothing more is acknowledged in this one"
                );
            }
            Stop::Log(error) => {
                tracing::error!(
                    shard = %shard.name, %error,
                    "the log cannot be read for the object store: nothing more is acknowledged"
                );
            }
        }
        self.driver.knock().await;
    }

    async fn fill(&self) -> Stop {
        let mut filler = Filler::new(self.first, self.base, self.free);
        let mut changed = self.shard.changed.subscribe();
        let mut kept: Option<Kept> = None;
        let mut cursor = None;
        loop {
            // Marked before the look, so that a change during it is not missed.
            changed.borrow_and_update();
            let flushed = self.shard.flushed().map(|position| position.lsn);
            match filler.next(flushed) {
                FillStep::Wait | FillStep::Awaiting => {
                    // Fails only when the node ends, and this task with it.
                    let _ = changed.changed().await;
                }
                FillStep::Inspect(number) => {
                    let nonce = kept.as_ref().map(|kept| kept.nonce);
                    match self.inspect(number, nonce).await {
                        Ok(Some(found)) => filler.inspected(found),
                        Ok(None) => tokio::time::sleep(RETRY_AFTER).await,
                        Err(error) => return Stop::Log(error),
                    }
                }
                FillStep::Put { slot, from } => {
                    let at = cursor.take().filter(|at: &Cursor| at.next() == from);
                    let at = at.unwrap_or_else(|| Cursor::new(from));
                    let (moved, batches) = match self.gather(at, flushed).await {
                        Ok(gathered) => gathered,
                        Err(error) => return Stop::Log(error),
                    };
                    let Some(last) = batches.last().map(Batch::last_lsn) else {
                        continue;
                    };
                    cursor = Some(moved);
                    let put = kept.insert(self.slot(slot, &batches));
                    filler.sent(last);
                    let answer = self.put(slot, put).await;
                    filler.answered(&answer);
                }
                FillStep::PutAgain(slot) => {
                    tokio::time::sleep(RETRY_AFTER).await;
                    let put = kept.as_ref().expect("kept until the answer is definite");
                    filler.sent_again();
                    let answer = self.put(slot, put).await;
                    filler.answered(&answer);
                }
                FillStep::Fenced => return Stop::Fenced,
            }
            let (stored, free) = (filler.stored(), filler.free());
            self.shard.update(|marks| marks.note_stored(stored, free));
        }
    }

    async fn put(&self, slot: SlotNumber, kept: &Kept) -> WriteAnswer {
        let key = slot.key(&self.shard.name);
        self.store.create(&key, kept.body.clone()).await
    }

    fn slot(&self, number: SlotNumber, batches: &[Batch]) -> Kept {
        let nonce = draw_nonce();
        let bytes = |batch: &Batch| ByteBuf::from(batch.bytes().to_vec());
        let slot = Slot {
            cluster: self.cluster,
            shard: self.shard.name.clone(),
            number,
            epoch: self.epoch,
            nonce,
            contents: SlotContents::Batches(batches.iter().map(bytes).collect()),
        };
        let body = slot.encode().into();
        Kept { nonce, body }
    }

    /// The next batches that are flushed, about a mebibyte of them.
    async fn gather(
        &self,
        mut cursor: Cursor,
        flushed: Option<Lsn>,
    ) -> Result<(Cursor, Vec<Batch>), LogError> {
        let upto = flushed.expect("something is flushed beyond what is stored");
        if let Some(batches) = cursor.read_memory(&self.shard, upto) {
            return Ok((cursor, batches));
        }
        let shard = Arc::clone(&self.shard);
        let read = tokio::task::spawn_blocking(move || {
            let batches = cursor.read(&shard, upto)?;
            Ok((cursor, batches))
        });
        read.await.expect("the reader does not panic")
    }

    /// `None` when the store did not answer.
    async fn inspect(
        &self,
        number: SlotNumber,
        nonce: Option<Nonce>,
    ) -> Result<Option<Inspected>, LogError> {
        let key = number.key(&self.shard.name);
        let body = match self.store.fetch(&key, None).await {
            ObjectFetched::Found { body, .. } => body,
            ObjectFetched::Absent => return Ok(Some(Inspected::Free)),
            ObjectFetched::NotModified | ObjectFetched::Failed => return Ok(None),
        };
        let slot = match Slot::decode(&body, self.cluster, &self.shard.name, number) {
            Ok(slot) => slot,
            Err(error) => {
                tracing::error!(%key, "the slot cannot be used: {error}");
                return Ok(Some(Inspected::Newer));
            }
        };
        let (shard, epoch) = (Arc::clone(&self.shard), self.epoch);
        let judged = tokio::task::spawn_blocking(move || {
            let mut failure = None;
            let found = inspect(&slot, epoch, nonce, |bytes| {
                end_in_log(&shard, bytes).unwrap_or_else(|error| {
                    failure = Some(error);
                    None
                })
            });
            failure.map_or(Ok(Some(found)), Err)
        });
        judged.await.expect("the reader does not panic")
    }
}

/// Where a batch ends, if it is in this shard's log. Blocks on the disk.
fn end_in_log(shard: &ShardCore, bytes: &[u8]) -> Result<Option<Lsn>, LogError> {
    let Ok(batch) = Batch::decode(Bytes::copy_from_slice(bytes)) else {
        return Ok(None);
    };
    if Some(batch.last_lsn()) > shard.flushed().map(|position| position.lsn) {
        return Ok(None);
    }
    let mut reader = shard.readers.read_from(batch.first_lsn())?;
    let here = reader.next(batch.last_lsn())?;
    let same = here.is_some_and(|here| here.position() == batch.position());
    Ok(same.then(|| batch.last_lsn()))
}
