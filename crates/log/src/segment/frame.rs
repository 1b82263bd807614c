//! The 16 bytes before a batch in a segment, which belong to this disk alone.
//!
//! ```text
//! 0 magic "USFR" | 4 crc32c | 8 u64 the last lsn flushed when this was written
//! ```
//! They are the witness that recovery needs. A power cut may keep a later
//! batch and lose an earlier one, as long as neither was flushed; so a hole
//! with a batch behind it is damage only when that batch was written after
//! the hole had been flushed. The checksum covers the segment's chain hash
//! and the batch's header, so neither a stale entry nor bytes that a client
//! sent can pass for one.

use crate::batch::HEADER_BYTES;
use crate::{BatchError, BatchHeader};
use understudy_types::{ChainHash, Lsn, lsn_value};

pub(crate) const FRAME_BYTES: usize = 16;
/// What must be read to know an entry's extent.
pub(crate) const ENTRY_HEAD_BYTES: usize = FRAME_BYTES + HEADER_BYTES;
pub(crate) const ALIGNMENT: u64 = 8;
pub(crate) const MAGIC: [u8; 4] = *b"USFR";

/// Bytes that an entry takes, padding included.
pub(crate) fn entry_bytes(batch_bytes: usize) -> u64 {
    ((FRAME_BYTES + batch_bytes) as u64).next_multiple_of(ALIGNMENT)
}

pub(crate) fn encode(salt: &ChainHash, flushed: Option<Lsn>, batch: &[u8]) -> [u8; FRAME_BYTES] {
    let flushed = lsn_value(flushed).to_le_bytes();
    let mut frame = [0; FRAME_BYTES];
    frame[..4].copy_from_slice(&MAGIC);
    frame[4..8].copy_from_slice(&checksum(salt, &flushed, &batch[..HEADER_BYTES]).to_le_bytes());
    frame[8..].copy_from_slice(&flushed);
    frame
}

/// The head of an entry: a checked frame and a checked batch header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryHead {
    pub(crate) header: BatchHeader,
    /// The last record that was flushed when this entry was written.
    pub(crate) flushed: Option<Lsn>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("the frame before the batch is damaged")]
    Frame,
}

impl EntryHead {
    /// `head` is [`ENTRY_HEAD_BYTES`] long.
    pub(crate) fn parse(salt: &ChainHash, head: &[u8]) -> Result<EntryHead, EntryError> {
        let (frame, batch) = head
            .split_first_chunk::<FRAME_BYTES>()
            .ok_or(EntryError::Frame)?;
        let header = BatchHeader::parse(batch)?;
        let [m0, m1, m2, m3, c0, c1, c2, c3, flushed @ ..] = *frame;
        let expected = checksum(salt, &flushed, &batch[..HEADER_BYTES]);
        if [m0, m1, m2, m3] != MAGIC || u32::from_le_bytes([c0, c1, c2, c3]) != expected {
            return Err(EntryError::Frame);
        }
        Ok(EntryHead {
            header,
            flushed: Lsn::new(u64::from_le_bytes(flushed)),
        })
    }
}

fn checksum(salt: &ChainHash, flushed: &[u8; 8], header: &[u8]) -> u32 {
    let sum = crc32c::crc32c(salt.as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, flushed), header)
}
