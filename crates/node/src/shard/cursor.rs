//! Reading a shard's batches in order: from memory while they are there,
//! from the segment files otherwise.

use super::ShardCore;
use understudy_log::{Batch, LogError, LogReader, OsDisk};
use understudy_types::Lsn;

/// About how many bytes one read brings.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// A place between two batches. Only ever moves forward.
#[derive(Debug)]
pub(crate) struct Cursor {
    next: Lsn,
    reader: Option<LogReader<OsDisk>>,
}

impl Cursor {
    /// `next` must be the beginning of a batch.
    pub(crate) fn new(next: Lsn) -> Self {
        Cursor { next, reader: None }
    }

    pub(crate) fn next(&self) -> Lsn {
        self.next
    }

    /// The next batches up to `upto`, if they are in memory.
    pub(crate) fn read_memory(&mut self, shard: &ShardCore, upto: Lsn) -> Option<Vec<Batch>> {
        let batches = shard.tail.read(self.next, upto, CHUNK_BYTES)?;
        self.reader = None;
        self.pass(&batches);
        Some(batches)
    }

    /// The next batches up to `upto`, from wherever they are. Blocks on the
    /// disk. Empty when nothing more is flushed up to there.
    pub(crate) fn read(&mut self, shard: &ShardCore, upto: Lsn) -> Result<Vec<Batch>, LogError> {
        if let Some(batches) = self.read_memory(shard, upto) {
            return Ok(batches);
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => shard.readers.read_from(self.next)?,
        };
        let mut batches = Vec::new();
        let mut bytes = 0;
        while bytes < CHUNK_BYTES
            && let Some(batch) = reader.next(upto)?
        {
            bytes += batch.bytes().len();
            batches.push(batch);
        }
        self.reader = Some(reader);
        self.pass(&batches);
        Ok(batches)
    }

    fn pass(&mut self, batches: &[Batch]) {
        if let Some(last) = batches.last() {
            self.next = last.last_lsn().plus(1);
        }
    }
}
