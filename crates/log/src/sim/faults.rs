use super::disk::SimDisk;
use super::names::Node;

/// What is to go wrong, and when.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Bytes that can still be written or allocated.
    pub(super) space: Option<u64>,
    /// Calls of `sync_data` before one fails.
    pub(super) syncs_before_failure: Option<u64>,
    /// Changes before the power goes.
    pub(super) changes_before_cut: Option<u64>,
    /// The next rename happens, and says that there was no space for it.
    pub(super) rename_lies: bool,
}

impl SimDisk {
    /// From now on `bytes` more can be written; `None` takes the limit away.
    pub fn limit_space(&self, bytes: Option<u64>) {
        self.lock().faults.space = bytes;
    }

    /// After `successes` more calls of `sync_data` one fails; those after it
    /// succeed, and do not help what the failed one lost.
    pub fn fail_sync_after(&self, successes: u64) {
        self.lock().faults.syncs_before_failure = Some(successes);
    }

    /// After `changes` more changing calls every call fails, until
    /// [`SimDisk::crash`] brings the power back.
    pub fn cut_power_after(&self, changes: u64) {
        self.lock().faults.changes_before_cut = Some(changes);
    }

    /// The next rename happens and fails all the same.
    pub fn fail_rename_that_happens(&self) {
        self.lock().faults.rename_lies = true;
    }

    /// Turns one bit on the device; panics when the file is shorter.
    pub fn flip_bit(&self, path: &str, bit: usize) {
        let mut state = self.lock();
        let Some(Node::File(inode)) = state.names.get(path) else {
            panic!("no file {path}")
        };
        state
            .inodes
            .get_mut(&inode)
            .expect("a name has an inode")
            .flip_bit(bit);
    }

    /// Calls of `sync_data` so far, failed ones included.
    pub fn sync_count(&self) -> u64 {
        self.lock().sync_count
    }
}
