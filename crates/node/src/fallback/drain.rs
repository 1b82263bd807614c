//! A promotion takes over what the slots hold, and seals them.

use super::{RETRY_AFTER, draw_nonce};
use crate::driver::NodeStore;
use crate::once::Once;
use crate::shard::{LogCommand, Outline, ShardCore, offered};
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use understudy_log::Batch;
use understudy_protocol::EpochRecord;
use understudy_protocol::control::{Completeness, Drained, ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::{
    DrainStep, Drainer, Drawn, Offer, Shared, Slot, SlotContents, SlotNumber, shared_with_line,
};
use understudy_protocol::shard::Intake;
use understudy_types::{ByteCount, ClusterId, Epoch, Position, ShardName};

/// Slots that are read ahead.
const AHEAD: u64 = 16;

/// The slots of all shards; ends when it is dropped, and can begin anew.
pub(crate) struct Drain {
    pub(crate) shards: Vec<Arc<ShardCore>>,
    pub(crate) store: NodeStore,
    pub(crate) cluster: ClusterId,
    pub(crate) intake_memory: ByteCount,
    /// The claimed one.
    pub(crate) epoch: Epoch,
    pub(crate) first: BTreeMap<ShardName, SlotNumber>,
    pub(crate) history: Vec<EpochRecord>,
}

/// Why a shard's drain begins anew.
struct Stalled(String);

/// What a shard's slots came to.
struct ShardDrained {
    head: Option<Position>,
    free: SlotNumber,
    complete: Completeness,
}

impl Drain {
    /// `None` when the node ends. What it took over is flushed.
    pub(crate) async fn run(self) -> Option<Drained> {
        let shards = self.shards.iter().map(|shard| async {
            let drained = self.drain_shard(shard).await?;
            Some((shard.name.clone(), drained))
        });
        let shards: Option<Vec<_>> = join_all(shards).await.into_iter().collect();
        let shards = shards?;
        let gap = |(_, shard): &(_, ShardDrained)| shard.complete == Completeness::Gap;
        let complete = match shards.iter().any(gap) {
            true => Completeness::Gap,
            false => Completeness::All,
        };
        let heads = shards
            .iter()
            .map(|(name, shard)| (name.clone(), shard.head));
        let free_slots = shards
            .iter()
            .map(|(name, shard)| (name.clone(), shard.free));
        Some(Drained {
            heads: heads.collect(),
            complete,
            free_slots: free_slots.collect(),
        })
    }

    async fn drain_shard(&self, shard: &Arc<ShardCore>) -> Option<ShardDrained> {
        let mut seal = Slot {
            cluster: self.cluster,
            shard: shard.name.clone(),
            number: SlotNumber::default(),
            epoch: self.epoch,
            nonce: draw_nonce(),
            contents: SlotContents::Seal,
        };
        let mut told = Once::default();
        loop {
            match self.attempt(shard, &mut seal).await? {
                Ok(drained) => return Some(drained),
                Err(Stalled(cause)) => {
                    if told.is_news(&cause) {
                        tracing::warn!(shard = %shard.name, %cause, "the slots cannot be drained yet");
                    }
                    tokio::time::sleep(RETRY_AFTER * 5).await;
                }
            }
        }
    }

    /// `None` when the node ends.
    async fn attempt(
        &self,
        shard: &Arc<ShardCore>,
        seal: &mut Slot,
    ) -> Option<Result<ShardDrained, Stalled>> {
        let outline = shard.ask(|reply| LogCommand::BeginIntake { reply }).await?;
        let outline = match self.stand_in_line(shard, outline).await? {
            Ok(outline) => outline,
            Err(cause) => return Some(Err(Stalled(cause))),
        };
        let first = self.first.get(&shard.name).copied().unwrap_or_default();
        let head = outline.history.head;
        let intake = Intake::new(self.epoch, outline.last_epoch, head, outline.head_hash);
        let mut drainer = Drainer::new(
            first,
            shard.name.clone(),
            self.history.clone(),
            self.epoch,
            intake,
            head.map(|head| head.lsn),
        );
        let mut ahead = ReadAhead::new(self.store.clone(), shard.name.clone(), first);
        loop {
            match drainer.next() {
                DrainStep::Draw(number) => match ahead.read(number).await {
                    ObjectFetched::Absent => drainer.drawn(Drawn::Free),
                    ObjectFetched::Found { body, .. } => {
                        let drawn = self.take_over(shard, &mut drainer, seal, number, &body);
                        let drawn = drawn.await;
                        drainer.drawn(drawn);
                    }
                    ObjectFetched::NotModified | ObjectFetched::Failed => {
                        tokio::time::sleep(RETRY_AFTER).await;
                    }
                },
                DrainStep::Seal(number) => {
                    seal.number = number;
                    let key = number.key(&shard.name);
                    let answer = self.store.create(&key, seal.encode().into()).await;
                    drainer.sealed(&answer);
                    if matches!(answer, WriteAnswer::NotApplied | WriteAnswer::Unknown) {
                        tokio::time::sleep(RETRY_AFTER).await;
                    }
                }
                DrainStep::Done { free, complete } => {
                    let head = shard.ask(|reply| LogCommand::Barrier { reply }).await?;
                    let failure = shard.marks.lock().intake_failure.clone();
                    let drained = ShardDrained {
                        head,
                        free,
                        complete,
                    };
                    return Some(failure.map_or(Ok(drained), |cause| Err(Stalled(cause))));
                }
            }
        }
    }

    /// Cuts what is not of this history. `None` when the node ends.
    async fn stand_in_line(
        &self,
        shard: &ShardCore,
        outline: Outline,
    ) -> Option<Result<Outline, String>> {
        let end = outline.last_epoch.zip(outline.history.head);
        let shared =
            end.map(|(epoch, head)| shared_with_line(&self.history, &shard.name, epoch, head));
        let Some(Shared::Upto(Some(keep))) = shared else {
            return Some(Ok(outline));
        };
        let cut = shard.ask(|reply| LogCommand::Cut {
            keep: Some(keep),
            reason: format!("the lease's history goes on from {keep} without these records"),
            reply,
        });
        cut.await
    }

    async fn take_over(
        &self,
        shard: &Arc<ShardCore>,
        drainer: &mut Drainer,
        seal: &Slot,
        number: SlotNumber,
        body: &[u8],
    ) -> Drawn {
        let slot = match Slot::decode(body, self.cluster, &shard.name, number) {
            Ok(slot) => slot,
            Err(error) => {
                let key = number.key(&shard.name);
                tracing::error!(%key, "the slot cannot be used: {error}");
                return Drawn::Unreadable;
            }
        };
        let SlotContents::Batches(batches) = slot.contents else {
            let own = slot.nonce == seal.nonce;
            return if own { Drawn::OwnSeal } else { Drawn::Seal };
        };
        for bytes in batches {
            let batch = match Batch::decode(Bytes::from(bytes.into_vec())) {
                Ok(batch) => batch,
                Err(error) => {
                    let key = number.key(&shard.name);
                    tracing::error!(%key, "a batch in the slot is damaged: {error}");
                    drainer.offer_damaged();
                    continue;
                }
            };
            let offered = offered(&batch);
            if drainer.offer(offered) == Offer::Take {
                shard.store(batch, self.intake_memory).await;
            }
        }
        Drawn::Batches
    }
}

/// Reads slots before they are asked for: they come in order.
struct ReadAhead {
    store: NodeStore,
    shard: ShardName,
    /// The slot that comes next out of `under_way`.
    next: SlotNumber,
    under_way: FuturesOrdered<BoxFuture<'static, ObjectFetched>>,
}

impl ReadAhead {
    fn new(store: NodeStore, shard: ShardName, first: SlotNumber) -> Self {
        ReadAhead {
            store,
            shard,
            next: first,
            under_way: FuturesOrdered::new(),
        }
    }

    async fn read(&mut self, number: SlotNumber) -> ObjectFetched {
        if self.next != number {
            // The same slot again: what was read ahead may be old.
            self.under_way = FuturesOrdered::new();
            self.next = number;
        }
        let begun = self.next.get() + self.under_way.len() as u64;
        for ahead in begun..number.get() + AHEAD {
            let (store, key) = (self.store.clone(), SlotNumber::new(ahead).key(&self.shard));
            let read = async move { store.fetch(&key, None).await };
            self.under_way.push_back(read.boxed());
        }
        self.next = number.next();
        let read = self.under_way.next().await;
        read.expect("this slot's read was begun")
    }
}
