//! The core's actions about the store's slots, done.

use super::{Driver, Told};
use crate::fallback::{Drain, Fill, remove};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use understudy_protocol::fallback::{Fallback, SlotNumber};
use understudy_protocol::{EpochRecord, Event};
use understudy_types::{Epoch, ShardName};

impl Driver {
    pub(super) async fn fill_slots(
        &mut self,
        epoch: Epoch,
        fallback: &Fallback,
        free: &BTreeMap<ShardName, SlotNumber>,
    ) {
        self.stop_filling().await;
        for shard in &self.shards {
            let base = fallback.base_of(&shard.name);
            shard.update(|marks| marks.begin_filling(base));
            let fill = Fill {
                shard: Arc::clone(shard),
                store: self.store.clone(),
                driver: self.handle.clone(),
                cluster: self.setup.cluster,
                epoch,
                first: fallback.first_of(&shard.name),
                base,
                free: free.get(&shard.name).copied(),
            };
            self.state.filling.spawn(fill.run());
        }
    }

    /// On return nothing more counts as stored; a put that was under way may
    /// still land.
    pub(super) async fn stop_filling(&mut self) {
        self.state.filling.shutdown().await;
        for shard in &self.shards {
            shard.marks.lock().free_slot = None;
        }
    }

    pub(super) fn drain_slots(
        &mut self,
        epoch: Epoch,
        first: BTreeMap<ShardName, SlotNumber>,
        history: Vec<EpochRecord>,
    ) {
        let drain = Drain {
            shards: self.shards.clone(),
            store: self.store.clone(),
            cluster: self.setup.cluster,
            intake_memory: self.settings.stream.intake_memory,
            epoch,
            first,
            history,
        };
        let driver = self.handle.clone();
        self.state.drain.abort_all();
        self.state.drain.spawn(async move {
            if let Some(drained) = drain.run().await {
                driver.tell(Told::Core(Event::Drained(drained))).await;
            }
        });
    }

    pub(super) fn remove_slots(&self, ranges: BTreeMap<ShardName, Range<SlotNumber>>) {
        for (shard, range) in ranges {
            let (store, cluster) = (self.store.clone(), self.setup.cluster);
            tokio::spawn(async move { remove(&store, cluster, &shard, range).await });
        }
    }
}
