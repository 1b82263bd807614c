use super::{BatchError, HEADER_BYTES, MAX_BATCH_BYTES, RECORD_OVERHEAD_BYTES};
use understudy_types::{ChainHash, Epoch, Lsn, Position};

pub(crate) const MAGIC: [u8; 4] = *b"USB1";

/// A batch's header, checked by itself: what it says about the payload is
/// within the limits, but the payload has not been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Bytes that follow the header.
    pub payload_bytes: u32,
    /// At least 1.
    pub record_count: u32,
    pub epoch: Epoch,
    pub first_lsn: Lsn,
    /// Known to be committed when the batch was encoded; inclusive.
    pub committed: Option<Lsn>,
    /// The primary's wall clock, milliseconds since the Unix epoch.
    pub wall_millis: u64,
    /// The chain hash at the end of the batch before.
    pub previous: ChainHash,
    /// The chain hash at this batch's end.
    pub hash: ChainHash,
}

impl BatchHeader {
    /// Reads the header at the beginning of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let short = BatchError::Short { found: bytes.len() };
        let bytes = bytes.first_chunk::<HEADER_BYTES>().ok_or(short)?;
        let magic: [u8; 4] = field(bytes, 0);
        if magic != MAGIC {
            return Err(BatchError::Magic { found: magic });
        }
        let expected = u32::from_le_bytes(field(bytes, 4));
        let found = crc32c::crc32c(&bytes[8..]);
        if expected != found {
            return Err(BatchError::HeaderChecksum { expected, found });
        }
        Self::from_checked(bytes)
    }

    fn from_checked(bytes: &[u8; HEADER_BYTES]) -> Result<BatchHeader, BatchError> {
        let payload_bytes = u32::from_le_bytes(field(bytes, 8));
        let record_count = u32::from_le_bytes(field(bytes, 12));
        check_sizes(payload_bytes, record_count)?;
        let epoch = Epoch::new(u64::from_le_bytes(field(bytes, 16)));
        if epoch == Epoch::FOUNDING {
            return Err(BatchError::FoundingEpoch);
        }
        let first = u64::from_le_bytes(field(bytes, 24));
        // One Lsn stays free above the last record, so that "the next one"
        // can always be named.
        let range = BatchError::LsnRange {
            first_lsn: first,
            count: record_count,
        };
        let in_range = first.checked_add(u64::from(record_count)).is_some();
        let first_lsn = Lsn::new(first).filter(|_| in_range).ok_or(range)?;
        let committed = Lsn::new(u64::from_le_bytes(field(bytes, 32)));
        if let Some(committed) = committed.filter(|committed| *committed >= first_lsn) {
            return Err(BatchError::CommittedAhead {
                committed,
                first_lsn,
            });
        }
        Ok(BatchHeader {
            payload_bytes,
            record_count,
            epoch,
            first_lsn,
            committed,
            wall_millis: u64::from_le_bytes(field(bytes, 40)),
            previous: ChainHash::from_bytes(field(bytes, 48)),
            hash: ChainHash::from_bytes(field(bytes, 80)),
        })
    }

    /// Writes the chain hash and the checksum; the rest is written before.
    pub(super) fn seal(&self, batch: &mut [u8]) {
        batch[80..112].copy_from_slice(self.hash.as_bytes());
        let checksum = crc32c::crc32c(&batch[8..HEADER_BYTES]);
        batch[4..8].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Everything but the chain hash and the checksum, which need it.
    pub(super) fn write_hashed_part(&self, batch: &mut [u8]) {
        let committed = understudy_types::lsn_value(self.committed);
        batch[0..4].copy_from_slice(&MAGIC);
        batch[8..12].copy_from_slice(&self.payload_bytes.to_le_bytes());
        batch[12..16].copy_from_slice(&self.record_count.to_le_bytes());
        batch[16..24].copy_from_slice(&self.epoch.get().to_le_bytes());
        batch[24..32].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        batch[32..40].copy_from_slice(&committed.to_le_bytes());
        batch[40..48].copy_from_slice(&self.wall_millis.to_le_bytes());
        batch[48..80].copy_from_slice(self.previous.as_bytes());
    }

    /// Header and payload, in bytes.
    pub fn batch_bytes(&self) -> usize {
        HEADER_BYTES + self.payload_bytes as usize
    }

    /// Inclusive.
    pub fn last_lsn(&self) -> Lsn {
        self.first_lsn.plus(u64::from(self.record_count) - 1)
    }

    pub fn position(&self) -> Position {
        Position {
            lsn: self.last_lsn(),
            hash: self.hash,
        }
    }
}

fn check_sizes(payload_bytes: u32, count: u32) -> Result<(), BatchError> {
    let found = HEADER_BYTES + payload_bytes as usize;
    if found > MAX_BATCH_BYTES {
        return Err(BatchError::TooLarge {
            limit: MAX_BATCH_BYTES,
            found,
        });
    }
    if count == 0 {
        return Err(BatchError::NoRecords);
    }
    if (count as usize).saturating_mul(RECORD_OVERHEAD_BYTES) > payload_bytes as usize {
        return Err(BatchError::RecordCount {
            count,
            payload_bytes,
        });
    }
    Ok(())
}

fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    *bytes[at..]
        .first_chunk()
        .expect("every field lies inside the header")
}
