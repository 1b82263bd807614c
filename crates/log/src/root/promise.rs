use super::RootError;
use super::identity::{load_json, store_json};
use crate::Disk;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use understudy_types::Epoch;

/// The version of `epoch.json` that this code reads and writes.
pub const PROMISE_FORMAT: u32 = 1;
const FILE: &str = "epoch.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    promised: Epoch,
}

/// The highest epoch that this node has promised: it refuses every batch of
/// an older one, also after a restart.
pub struct PromiseFile<D: Disk> {
    disk: Arc<D>,
    /// Durable.
    promised: Option<Epoch>,
    /// May be durable: a write of it may have happened although it failed.
    attempted: Option<Epoch>,
}

impl<D: Disk> PromiseFile<D> {
    pub fn load(disk: Arc<D>) -> Result<Self, RootError> {
        let stored: Option<Stored> = load_json(&*disk, FILE, PROMISE_FORMAT)?;
        // A crash may have come between rename and sync: what was read
        // becomes durable before anyone acts on it.
        disk.sync_dir("")?;
        let promised = stored.map(|stored| stored.promised);
        Ok(PromiseFile {
            disk,
            promised,
            attempted: promised,
        })
    }

    /// `None` when nothing was ever promised.
    pub fn promised(&self) -> Option<Epoch> {
        self.promised
    }

    /// Promises `epoch`. Durable on return; promising the same again does
    /// nothing. On an error of the disk the promise may have been made, so
    /// nothing older can be promised any more. Cannot be cancelled.
    pub fn persist(&mut self, epoch: Epoch) -> Result<(), RootError> {
        if let Some(promised) = self.attempted.filter(|promised| *promised > epoch) {
            return Err(RootError::OlderPromise {
                promised,
                asked: epoch,
            });
        }
        if self.promised == Some(epoch) {
            return Ok(());
        }
        self.attempted = Some(epoch);
        let stored = Stored {
            format: PROMISE_FORMAT,
            promised: epoch,
        };
        store_json(&*self.disk, FILE, &stored)?;
        self.promised = Some(epoch);
        Ok(())
    }
}

impl<D: Disk> std::fmt::Debug for PromiseFile<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromiseFile")
            .field("promised", &self.promised)
            .finish_non_exhaustive()
    }
}
