//! The batch: the canonical bytes of one commit, the same on disk, on the
//! wire and at the standby.
//!
//! ```text
//! header, 112 bytes, little endian
//!   0 magic "USB1"              4 crc32c of bytes 8..112
//!   8 payload length           12 record count, at least 1
//!  16 epoch                    24 first lsn
//!  32 committed lsn, 0 = none  40 wall clock, milliseconds
//!  48 previous chain hash      80 chain hash
//! payload: records, each
//!   u32 length of the body | u32 crc32c(kind, body) | u8 kind | body
//! ```
//! The chain hash is BLAKE3 over previous ‖ header[8..48] ‖ payload.

mod builder;
mod error;
mod header;
mod record;

pub use builder::{BatchBuilder, BatchStart};
pub use error::BatchError;
pub use header::BatchHeader;
pub use record::{EpochStart, Record};

use bytes::Bytes;
use record::Frames;
use understudy_types::{ChainHash, Epoch, Lsn, Position};

/// The largest batch, header included, in bytes; inclusive.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// Length of a batch's header, in bytes.
pub const HEADER_BYTES: usize = 112;
/// What one record costs beside its body, in bytes.
pub const RECORD_OVERHEAD_BYTES: usize = 9;

/// One verified batch. Cloning it shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Bytes,
    header: BatchHeader,
}

impl Batch {
    /// Verifies all of `bytes`, which must be exactly one batch: limits,
    /// magic, header checksum, chain hash, each record's frame and checksum.
    /// Whether it links to what is before it is the log's question.
    pub fn decode(bytes: Bytes) -> Result<Batch, BatchError> {
        let header = BatchHeader::parse(&bytes)?;
        let expected = header.batch_bytes();
        if bytes.len() != expected {
            return Err(BatchError::Length {
                expected,
                found: bytes.len(),
            });
        }
        let found = chain_hash(&header.previous, &bytes);
        if found != header.hash {
            return Err(BatchError::ChainHash {
                expected: header.hash,
                found,
            });
        }
        record::verify(&header, &bytes[HEADER_BYTES..])?;
        Ok(Batch { bytes, header })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub fn epoch(&self) -> Epoch {
        self.header.epoch
    }

    pub fn first_lsn(&self) -> Lsn {
        self.header.first_lsn
    }

    /// Inclusive.
    pub fn last_lsn(&self) -> Lsn {
        self.header.last_lsn()
    }

    /// The position at this batch's end.
    pub fn position(&self) -> Position {
        self.header.position()
    }

    pub fn previous(&self) -> ChainHash {
        self.header.previous
    }

    /// What the primary knew to be committed when it encoded this batch.
    pub fn committed(&self) -> Option<Lsn> {
        self.header.committed
    }

    pub fn wall_millis(&self) -> u64 {
        self.header.wall_millis
    }

    /// The records in order. Commands are slices of the batch's own bytes.
    pub fn records(&self) -> impl Iterator<Item = (Lsn, Record)> + '_ {
        let first = self.first_lsn();
        Frames::new(self.bytes.slice(HEADER_BYTES..))
            .enumerate()
            .map(move |(index, record)| (first.plus(index as u64), record))
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// `batch` is a header and its payload; the hash fields are not read.
fn chain_hash(previous: &ChainHash, batch: &[u8]) -> ChainHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous.as_bytes());
    hasher.update(&batch[8..48]);
    hasher.update(&batch[HEADER_BYTES..]);
    ChainHash::from_bytes(*hasher.finalize().as_bytes())
}
