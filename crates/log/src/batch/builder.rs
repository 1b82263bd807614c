use super::{
    Batch, BatchHeader, EpochStart, HEADER_BYTES, MAX_BATCH_BYTES, RECORD_OVERHEAD_BYTES,
    chain_hash, record,
};
use bytes::Bytes;
use understudy_types::{ChainHash, Epoch, Lsn};

/// Where a batch stands in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStart {
    /// Never the founding epoch.
    pub epoch: Epoch,
    pub first_lsn: Lsn,
    /// What is known to be committed now; below `first_lsn`.
    pub committed: Option<Lsn>,
    /// Milliseconds since the Unix epoch.
    pub wall_millis: u64,
    /// The chain hash at the log's head.
    pub previous: ChainHash,
}

/// Encodes a batch in one pass into one buffer.
///
/// Keeping it below [`MAX_BATCH_BYTES`] is the caller's duty, by
/// [`BatchBuilder::has_room_for`]; going over it is a panic.
#[derive(Debug)]
pub struct BatchBuilder {
    start: BatchStart,
    bytes: Vec<u8>,
    record_count: u32,
}

impl BatchBuilder {
    pub fn new(start: BatchStart) -> Self {
        Self::with_capacity(start, 4096)
    }

    /// `payload_bytes` is a guess that spares growing the buffer.
    pub fn with_capacity(start: BatchStart, payload_bytes: usize) -> Self {
        assert!(
            start.epoch != Epoch::FOUNDING,
            "nothing is written in the founding epoch"
        );
        assert!(
            start
                .committed
                .is_none_or(|committed| committed < start.first_lsn),
            "a batch cannot begin at or below what is committed"
        );
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload_bytes);
        bytes.resize(HEADER_BYTES, 0);
        BatchBuilder {
            start,
            bytes,
            record_count: 0,
        }
    }

    pub fn push_command(&mut self, body: &[u8]) {
        assert!(
            self.has_room_for(body.len()),
            "a batch stays below its limit"
        );
        record::push_command(&mut self.bytes, body);
        self.record_count += 1;
    }

    pub fn push_audit(&mut self, body: &[u8]) {
        assert!(
            self.has_room_for(body.len()),
            "a batch stays below its limit"
        );
        record::push_audit(&mut self.bytes, body);
        self.record_count += 1;
    }

    pub fn push_epoch_start(&mut self, start: &EpochStart) {
        record::push_epoch_start(&mut self.bytes, start);
        self.record_count += 1;
        assert!(
            self.bytes.len() <= MAX_BATCH_BYTES,
            "a batch stays below its limit"
        );
    }

    /// May a record with a body of this many bytes still be pushed?
    pub fn has_room_for(&self, body_bytes: usize) -> bool {
        let free = MAX_BATCH_BYTES - self.bytes.len();
        body_bytes.saturating_add(RECORD_OVERHEAD_BYTES) <= free
    }

    /// Bytes of the batch so far, header included.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Hashes and seals the batch, which must have a record.
    pub fn finish(self) -> Batch {
        assert!(self.record_count > 0, "a batch has at least one record");
        let mut bytes = self.bytes;
        let payload_bytes = bytes.len() - HEADER_BYTES;
        let mut header = BatchHeader {
            payload_bytes: u32::try_from(payload_bytes).expect("below the limit"),
            record_count: self.record_count,
            epoch: self.start.epoch,
            first_lsn: self.start.first_lsn,
            committed: self.start.committed,
            wall_millis: self.start.wall_millis,
            previous: self.start.previous,
            hash: self.start.previous,
        };
        header.write_hashed_part(&mut bytes);
        header.hash = chain_hash(&header.previous, &bytes);
        header.seal(&mut bytes);
        Batch {
            // Batches live on in the tail, whose bound counts lengths: spare
            // capacity would be memory beyond it.
            bytes: Bytes::from(bytes.into_boxed_slice()),
            header,
        }
    }
}
