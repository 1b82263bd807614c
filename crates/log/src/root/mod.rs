//! A node's data root: who it belongs to, what it has promised, and that
//! only one process has it.
//!
//! ```text
//! <root>/lock            held with flock while the process lives
//!        identity.json   whose root this is
//!        epoch.json      the highest epoch that was promised
//!        shards/ …       the logs
//!        quarantine/ …   tails that only this node had
//!        damaged/ …      segments that were set aside
//! ```

mod error;
mod hook_marks;
mod identity;
mod lock;
mod promise;

pub use error::RootError;
pub use hook_marks::{HookMark, mark_hook};
pub use identity::{IDENTITY_FORMAT, Identity};
pub use lock::RootLock;
pub use promise::{PROMISE_FORMAT, PromiseFile};

use crate::{DamagedEnd, Disk, DiskError, OsDisk, set_aside};
use std::path::Path;
use std::sync::Arc;
use understudy_types::{ClusterId, DataId, NodeId};

/// An opened data root. The process has it alone while this lives.
#[derive(Debug)]
pub struct DataRoot<D: Disk> {
    disk: Arc<D>,
    identity: Identity,
    /// A simulated root has no lock file: its processes are simulated too.
    _lock: Option<RootLock>,
}

impl DataRoot<OsDisk> {
    /// Makes a new root at `path`, owned by `identity`, and opens it.
    /// Durable on return. Refuses a root that has an owner.
    pub fn create(path: &Path, identity: Identity) -> Result<Self, RootError> {
        let disk = Arc::new(OsDisk::new(path));
        disk.create_dir("")?;
        let lock = RootLock::acquire(path)?;
        let mut root = Self::create_on(disk, identity)?;
        root._lock = Some(lock);
        Ok(root)
    }

    /// Opens the root at `path`, which must belong to this node of this
    /// cluster, and to no other process. Changes nothing but the lock.
    pub fn open(path: &Path, cluster: ClusterId, node: &NodeId) -> Result<Self, RootError> {
        if !path.is_dir() {
            return Err(RootError::Unfounded);
        }
        let lock = RootLock::acquire(path)?;
        let mut root = Self::open_on(Arc::new(OsDisk::new(path)), cluster, node)?;
        root._lock = Some(lock);
        Ok(root)
    }
}

impl<D: Disk> DataRoot<D> {
    /// As `create`, on any disk, without a lock.
    pub fn create_on(disk: Arc<D>, identity: Identity) -> Result<Self, RootError> {
        identity.create(&*disk)?;
        Ok(DataRoot {
            disk,
            identity,
            _lock: None,
        })
    }

    /// As `open`, on any disk, without a lock.
    pub fn open_on(disk: Arc<D>, cluster: ClusterId, node: &NodeId) -> Result<Self, RootError> {
        let identity = Identity::load(&*disk)?.ok_or(RootError::Unfounded)?;
        identity.check(cluster, node)?;
        Ok(DataRoot {
            disk,
            identity,
            _lock: None,
        })
    }

    /// Sets damaged ends aside, durably; this is a new standby's root from
    /// then on. When it fails it may be one already: open it again.
    pub fn set_aside(&mut self, data_id: DataId, ends: &[DamagedEnd]) -> Result<(), DiskError> {
        set_aside(&*self.disk, &self.identity, data_id, ends)?;
        self.identity = self.identity.with_data_id(data_id);
        Ok(())
    }

    pub fn disk(&self) -> &Arc<D> {
        &self.disk
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}
