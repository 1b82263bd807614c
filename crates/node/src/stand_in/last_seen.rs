//! The lease as last seen, kept in the data root for the day on which the
//! object store is gone.

use parking_lot::Mutex;
use std::sync::Arc;
use understudy_log::{Disk, DiskError, OsDisk, replace_durably};
use understudy_protocol::Lease;
use understudy_types::Nonce;

pub(super) const FILE: &str = "lease.last-seen.json";

/// Writes only what says more than that the lease was renewed.
#[derive(Debug, Default)]
pub(crate) struct LastSeen {
    looked_at: Option<Nonce>,
    told: Option<Lease>,
    /// The newest that is on disk; later ones win, in whatever order the
    /// writes come.
    written: Arc<Mutex<u64>>,
    count: u64,
}

impl LastSeen {
    /// Keeps it beside what goes on. A failure is a warning: only breaking the
    /// glass needs it.
    pub(crate) fn note(&mut self, disk: &Arc<OsDisk>, seen: &Lease) {
        // Called at every turn of the driver: nearly always it is the same.
        if seen.without_store.is_some() || self.looked_at == Some(seen.nonce) {
            return;
        }
        self.looked_at = Some(seen.nonce);
        let lease = Lease {
            nonce: Nonce::from_bytes([0; 16]),
            renewals: 0,
            ..seen.clone()
        };
        if self.told.as_ref() == Some(&lease) {
            return;
        }
        self.count += 1;
        let (disk, written, count) = (Arc::clone(disk), Arc::clone(&self.written), self.count);
        self.told = Some(lease.clone());
        tokio::task::spawn_blocking(move || {
            let mut written = written.lock();
            if *written > count {
                return;
            }
            *written = count;
            if let Err(error) = write(&*disk, &lease) {
                tracing::warn!(%error, "the lease as last seen could not be kept");
            }
        });
    }
}

fn write<D: Disk>(disk: &D, lease: &Lease) -> Result<(), DiskError> {
    replace_durably(disk, FILE, &lease.encode())
}
