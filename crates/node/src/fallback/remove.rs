//! Removing slots that nobody needs any more.

use super::RETRY_AFTER;
use crate::driver::NodeStore;
use futures::{StreamExt, stream};
use std::ops::Range;
use understudy_protocol::control::ObjectFetched;
use understudy_protocol::fallback::{Slot, SlotContents, SlotNumber};
use understudy_types::{ClusterId, ShardName};

/// Slots that are read and removed at the same time.
const AT_ONCE: usize = 16;
/// How often a slot is tried before it is left where it is.
const ATTEMPTS: u32 = 20;

/// Removes the batches in this range of slots, which the mark in the lease
/// has passed, and leaves the seals: they still stop whoever was fenced. What
/// the store does not let go of stays: it costs space, and nobody reads it.
pub(crate) async fn remove(
    store: &NodeStore,
    cluster: ClusterId,
    shard: &ShardName,
    range: Range<SlotNumber>,
) {
    let numbers = (range.start.get()..range.end.get()).map(SlotNumber::new);
    let left = stream::iter(numbers)
        .map(|number| remove_one(store, cluster, shard, number))
        .buffer_unordered(AT_ONCE)
        .filter(|gone| std::future::ready(*gone == Gone::No))
        .count()
        .await;
    if left > 0 {
        tracing::warn!(
            %shard, left, from = %range.start, to = %range.end,
            "slots that are needed no more could not be removed: they may be deleted by hand"
        );
    } else {
        tracing::info!(%shard, from = %range.start, to = %range.end, "slots removed");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Yes,
    No,
}

async fn remove_one(
    store: &NodeStore,
    cluster: ClusterId,
    shard: &ShardName,
    number: SlotNumber,
) -> Gone {
    let key = number.key(shard);
    for _ in 0..ATTEMPTS {
        match store.fetch(&key, None).await {
            ObjectFetched::Absent => return Gone::Yes,
            ObjectFetched::Found { body, .. } => {
                let slot = Slot::decode(&body, cluster, shard, number);
                let is_batches = slot
                    .as_ref()
                    .is_ok_and(|slot| matches!(slot.contents, SlotContents::Batches(_)));
                if !is_batches {
                    // A seal, or nothing that this version may judge.
                    return Gone::Yes;
                }
                if store.remove(&key).await.is_ok() {
                    return Gone::Yes;
                }
            }
            ObjectFetched::NotModified | ObjectFetched::Failed => {}
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
    Gone::No
}
