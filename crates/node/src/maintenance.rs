//! Maintenance mode: this node answers reads and refuses writes, until an
//! operator ends it. Durable in the data root, so that no restart opens
//! writes; the lease, replication and promotions go on as ever.

use crate::status::MaintenanceStatus;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_log::{DiskError, OsDisk, read_optional, replace_durably};

const FILE: &str = "maintenance.json";

/// What an operator said last. Clones share it.
#[derive(Clone)]
pub(crate) struct Maintenance(Arc<Inner>);

struct Inner {
    disk: Arc<OsDisk>,
    /// Of the file, for those who ask for every batch.
    is_on: AtomicBool,
    /// Held over the write of the file.
    mark: Mutex<Option<MaintenanceStatus>>,
}

impl Maintenance {
    /// A file that cannot be read counts as on: writes that should have been
    /// refused cannot be taken back.
    pub(crate) fn load(disk: Arc<OsDisk>) -> Result<Maintenance, DiskError> {
        let body = read_optional(&*disk, FILE)?;
        let mark = body.and_then(|body| {
            serde_json::from_slice(&body).unwrap_or_else(|error| {
                Some(MaintenanceStatus {
                    since_wall_millis: 0,
                    by: "unknown".to_owned(),
                    reason: format!("{FILE} cannot be read: {error}"),
                })
            })
        });
        if let Some(mark) = &mark {
            tracing::warn!(
                by = mark.by,
                reason = mark.reason,
                "maintenance is on: writes are refused until `understudy maintenance off`"
            );
        }
        Ok(Maintenance(Arc::new(Inner {
            disk,
            is_on: AtomicBool::new(mark.is_some()),
            mark: Mutex::new(mark),
        })))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::SeqCst)
    }

    pub(crate) fn mark(&self) -> Option<MaintenanceStatus> {
        self.0.mark.lock().clone()
    }

    /// Durable on return; blocks on the disk. An error may have happened all
    /// the same, and counts as what refuses writes.
    pub(crate) fn set(&self, mark: Option<MaintenanceStatus>) -> Result<(), DiskError> {
        let mut current = self.0.mark.lock();
        if mark.is_some() {
            self.0.is_on.store(true, Ordering::SeqCst);
            *current = mark.clone();
        }
        let body = serde_json::to_vec(&mark).expect("always representable");
        replace_durably(&*self.0.disk, FILE, &body)?;
        self.0.is_on.store(mark.is_some(), Ordering::SeqCst);
        *current = mark;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, Maintenance};
    use crate::status::MaintenanceStatus;
    use std::sync::Arc;
    use understudy_log::{OsDisk, replace_durably};

    fn mark(reason: &str) -> Option<MaintenanceStatus> {
        Some(MaintenanceStatus {
            since_wall_millis: 1,
            by: "kim@ops1".to_owned(),
            reason: reason.to_owned(),
        })
    }

    #[test]
    fn what_was_said_last_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(OsDisk::new(directory.path()));
        let load = || Maintenance::load(disk.clone()).unwrap();
        assert!(!load().is_on(), "nothing was ever said");
        load().set(mark("export")).unwrap();
        assert!(load().is_on());
        assert_eq!(load().mark().unwrap().reason, "export");
        load().set(None).unwrap();
        assert!(!load().is_on());
        assert!(load().mark().is_none());
    }

    #[test]
    fn file_that_cannot_be_read_refuses_writes() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(OsDisk::new(directory.path()));
        replace_durably(&*disk, FILE, b"{\"since").unwrap();
        let maintenance = Maintenance::load(disk).unwrap();
        assert!(maintenance.is_on());
        assert!(maintenance.mark().unwrap().reason.contains(FILE));
    }
}
