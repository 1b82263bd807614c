//! The last flushed batches, in memory, bounded in bytes: what standbys and
//! the state thread read as long as they keep up.

use parking_lot::Mutex;
use std::collections::VecDeque;
use understudy_log::Batch;
use understudy_types::{ByteCount, Lsn};

#[derive(Debug)]
pub(crate) struct Tail {
    inner: Mutex<Inner>,
    bytes_max: u64,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Batch>,
    bytes: u64,
}

impl Tail {
    pub(crate) fn new(bytes_max: ByteCount) -> Self {
        Tail {
            inner: Mutex::new(Inner::default()),
            bytes_max: bytes_max.get(),
        }
    }

    /// Appends the next flushed batch; the oldest ones make room.
    pub(crate) fn push(&self, batch: Batch) {
        let mut inner = self.inner.lock();
        inner.bytes += batch.bytes().len() as u64;
        inner.batches.push_back(batch);
        while inner.bytes > self.bytes_max && inner.batches.len() > 1 {
            let oldest = inner.batches.pop_front().expect("more than one");
            inner.bytes -= oldest.bytes().len() as u64;
        }
    }

    /// Batches from the one that begins at `from`, up to `upto` inclusive,
    /// and about `bytes_max` bytes. `None` when `from` is not in memory.
    pub(crate) fn read(&self, from: Lsn, upto: Lsn, bytes_max: usize) -> Option<Vec<Batch>> {
        let inner = self.inner.lock();
        let at = inner
            .batches
            .binary_search_by_key(&from, Batch::first_lsn)
            .ok()?;
        let mut bytes = 0;
        let batches = inner
            .batches
            .range(at..)
            .take_while(|batch| {
                let take = batch.last_lsn() <= upto && (bytes == 0 || bytes < bytes_max);
                bytes += batch.bytes().len();
                take
            })
            .cloned()
            .collect();
        Some(batches)
    }

    pub(crate) fn clear(&self) {
        *self.inner.lock() = Inner::default();
    }
}
