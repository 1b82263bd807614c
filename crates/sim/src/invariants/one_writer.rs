//! **OneWriter**: in one epoch at most one node acknowledges writes, and once
//! a newer epoch has had an effect, no older one has any more.

use super::{Life, Verdict};
use std::collections::BTreeMap;
use understudy_types::Epoch;

#[derive(Debug, Default)]
pub(super) struct OneWriter {
    writers: BTreeMap<Epoch, Life>,
    newest: Epoch,
}

impl OneWriter {
    pub(super) fn newest(&self) -> Epoch {
        self.newest
    }

    /// An epoch is open for answers. One that opens late is no fault: its
    /// deadline has passed, and it has no effect.
    pub(super) fn opened(&mut self, epoch: Epoch) {
        self.newest = self.newest.max(epoch);
    }

    pub(super) fn effect(&mut self, life: Life, epoch: Epoch) -> Verdict {
        let writer = *self.writers.entry(epoch).or_insert(life);
        if writer != life {
            return Err(format!(
                "n{} and n{} both have an effect in epoch {epoch}",
                writer.0, life.0
            ));
        }
        if epoch < self.newest {
            let newest = self.newest;
            return Err(format!(
                "n{} has an effect in epoch {epoch} after one in epoch {newest}",
                life.0
            ));
        }
        self.newest = epoch;
        Ok(())
    }
}
