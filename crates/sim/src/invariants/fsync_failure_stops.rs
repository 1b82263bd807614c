//! **FsyncFailureStops**: after a failed flush nothing leaves the process any
//! more.

use super::{Life, Verdict};
use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(super) struct FsyncFailureStops {
    failed: BTreeSet<Life>,
}

impl FsyncFailureStops {
    pub(super) fn failed(&mut self, life: Life) {
        self.failed.insert(life);
    }

    pub(super) fn said(&self, life: Life) -> Verdict {
        if self.failed.contains(&life) {
            return Err(format!("n{} goes on after a failed flush", life.0));
        }
        Ok(())
    }
}
