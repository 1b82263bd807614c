use crate::disk::fresh_file;
use crate::{Disk, DiskError, DiskErrorKind};
use std::sync::{
    Arc,
    mpsc::{Receiver, sync_channel},
};

/// The next segment's file, filled with zeros beside the writer, so that no
/// append waits for it.
pub(super) struct Spare<D: Disk> {
    disk: Arc<D>,
    path: String,
    bytes: u64,
    coming: Option<Receiver<Result<(), DiskError>>>,
}

impl<D: Disk> Spare<D> {
    pub(super) fn new(disk: Arc<D>, directory: &str, bytes: u64) -> Self {
        Spare {
            disk,
            path: format!("{directory}/spare"),
            bytes,
            coming: None,
        }
    }

    /// Begins to prepare a file, if none is coming.
    pub(super) fn prepare(&mut self) {
        if self.coming.is_some() {
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let (disk, path, bytes) = (self.disk.clone(), self.path.clone(), self.bytes);
        self.disk.run_aside(Box::new(move || {
            let made = fresh_file(&*disk, &path, bytes).map(drop);
            // The log may be gone; then the next open removes the file.
            let _ = sender.send(made);
        }));
        self.coming = Some(receiver);
    }

    /// The path of a file of at least `bytes` zeros: the prepared one, when
    /// it is large enough and was made, or else one made here and now.
    pub(super) fn take(&mut self, bytes: u64) -> Result<String, DiskError> {
        if bytes <= self.bytes && self.is_made() {
            return Ok(self.path.clone());
        }
        let path = format!("{}.tmp", self.path);
        fresh_file(&*self.disk, &path, bytes.max(self.bytes))?;
        Ok(path)
    }

    /// Gives the prepared file's space back.
    pub(super) fn discard(&mut self) -> Result<(), DiskError> {
        if !self.is_made() {
            return Ok(());
        }
        match self.disk.remove(&self.path) {
            Err(error) if error.kind != DiskErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for the file that is coming, and says whether it came.
    fn is_made(&mut self) -> bool {
        self.coming
            .take()
            .is_some_and(|coming| matches!(coming.recv(), Ok(Ok(()))))
    }
}

impl<D: Disk> Drop for Spare<D> {
    /// No thread of this log touches the directory after it is closed.
    fn drop(&mut self) {
        self.is_made();
    }
}
