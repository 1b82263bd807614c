use super::QuarantineError;
use crate::Damage;
use serde::{Deserialize, Serialize};
use understudy_types::{ByteCount, ClusterId, Epoch, Lsn, NodeId, Position, ShardName};

/// The version of the quarantine format that this code reads and writes.
pub const FORMAT_VERSION: u32 = 1;
pub(super) const BLOCK_BYTES: usize = 4096;
const MAGIC: [u8; 8] = *b"USQUARAN";
const JSON_AT: usize = 16;
const JSON_BYTES_MAX: usize = BLOCK_BYTES - JSON_AT;

/// Why a tail was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub cluster: ClusterId,
    pub shard: ShardName,
    /// The node that had the tail.
    pub node: NodeId,
    /// For people; a few sentences at most.
    pub reason: String,
    /// The last position that both histories share.
    pub fork: Option<Position>,
    /// When it was set aside, milliseconds since the Unix epoch.
    pub wall_millis: u64,
}

/// What a quarantine file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub(super) format: u32,
    pub notice: Notice,
    /// Of the last batch.
    pub epoch: Epoch,
    /// Inclusive, both.
    pub first_lsn: Lsn,
    pub last: Position,
    pub batches: u64,
    /// Canonical bytes.
    pub bytes: ByteCount,
}

impl Summary {
    pub fn records(&self) -> u64 {
        self.last.lsn.get() - self.first_lsn.get() + 1
    }

    /// The file's name within the shard's quarantine.
    pub fn file_name(&self) -> String {
        let Summary {
            epoch,
            first_lsn,
            last,
            ..
        } = self;
        format!("{epoch}-{first_lsn}-{}.batches", last.lsn)
    }

    pub fn path(&self) -> String {
        format!("{}/{}", directory(&self.notice.shard), self.file_name())
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, QuarantineError> {
        let json = serde_json::to_vec(self).expect("plain fields become JSON");
        if json.len() > JSON_BYTES_MAX {
            let (limit, found) = (JSON_BYTES_MAX, json.len());
            return Err(QuarantineError::NoticeTooLong { limit, found });
        }
        let mut block = vec![0; BLOCK_BYTES];
        block[..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&crc32c::crc32c(&json).to_le_bytes());
        block[12..16].copy_from_slice(&(json.len() as u32).to_le_bytes());
        block[JSON_AT..JSON_AT + json.len()].copy_from_slice(&json);
        Ok(block)
    }

    pub(super) fn decode(file: &str, block: &[u8]) -> Result<Summary, QuarantineError> {
        let damaged = |found: &str| Damage {
            file: file.to_owned(),
            offset: 0,
            expected: "the header of a quarantine file".to_owned(),
            found: found.to_owned(),
        };
        let json = checked_json(block).ok_or_else(|| damaged("damaged bytes"))?;
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let malformed = |e: serde_json::Error| damaged(&e.to_string());
        let FormatOnly { format: found } = serde_json::from_slice(json).map_err(malformed)?;
        if found != FORMAT_VERSION {
            let (file, supported) = (file.to_owned(), FORMAT_VERSION);
            return Err(QuarantineError::Format {
                file,
                found,
                supported,
            });
        }
        Ok(serde_json::from_slice(json).map_err(malformed)?)
    }
}

fn checked_json(block: &[u8]) -> Option<&[u8]> {
    let (magic, rest) = block.split_first_chunk::<8>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let json = rest
        .get(..length)
        .filter(|_| *magic == MAGIC && length <= JSON_BYTES_MAX)?;
    (crc32c::crc32c(json) == u32::from_le_bytes(*checksum)).then_some(json)
}

pub(super) fn directory(shard: &ShardName) -> String {
    format!("quarantine/{shard}")
}
