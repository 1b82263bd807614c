use crate::segment::SegmentMap;
use std::sync::{Mutex, MutexGuard};
use understudy_types::Position;

/// What the writer shows to the readers. It is locked for a few
/// instructions at a time, never over a call to the disk.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) map: SegmentMap,
    /// Readers never pass it.
    pub(crate) flushed: Option<Position>,
    /// How often the log was cut since it was opened. A reader that sees
    /// another number finds its place anew.
    pub(crate) cuts: u64,
}

pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared
        .lock()
        .expect("no one panics while holding the log's lock")
}
