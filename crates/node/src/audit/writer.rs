use super::AuditAct;
use crate::shard::{LogCommand, ShardCore};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use understudy_types::{Epoch, Lsn, Nonce};

/// Writes acts into the log of one shard, while this node is the primary.
pub(crate) struct AuditWriter {
    shard: Arc<ShardCore>,
    /// Written in this epoch, so that who asks again waits for the same one.
    written: Mutex<BTreeMap<Nonce, (Epoch, Lsn)>>,
}

impl AuditWriter {
    pub(crate) fn new(shard: Arc<ShardCore>) -> AuditWriter {
        AuditWriter {
            shard,
            written: Mutex::default(),
        }
    }

    /// Writes the act, and waits until it is committed. `None`: this node does
    /// not write, or its epoch ended first; the act may be in the log then. When
    /// it is given up, it may come to be committed.
    pub(crate) async fn write(&self, act: &AuditAct) -> Option<Lsn> {
        let (epoch, lsn) = self.place(act).await?;
        let mut changed = self.shard.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let (open, committed, stopping) = {
                let marks = self.shard.marks.lock();
                (marks.epoch(), marks.committed, marks.stopping)
            };
            if open != Some(epoch) || stopping {
                return None;
            }
            if committed >= Some(lsn) {
                return Some(lsn);
            }
            changed.changed().await.ok()?;
        }
    }

    async fn place(&self, act: &AuditAct) -> Option<(Epoch, Lsn)> {
        let mut written = self.written.lock().await;
        let open = self.shard.marks.lock().epoch()?;
        written.retain(|_, (epoch, _)| *epoch == open);
        if let Some(place) = written.get(&act.id) {
            return Some(*place);
        }
        let body = act.encode();
        let place = self.shard.ask(|reply| LogCommand::Audit { body, reply });
        let place = place.await.flatten()?;
        written.insert(act.id, place);
        Some(place)
    }
}
