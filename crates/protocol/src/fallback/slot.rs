//! A slot's bytes.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::fmt;
use understudy_types::{ClusterId, Epoch, Nonce, ShardName};

/// The version of the slots' format that this code writes and reads.
const FORMAT: u32 = 1;

/// A slot ends with the BLAKE3 hash of all before it.
const HASH_BYTES: usize = 32;

/// A shard's slots are numbered 0, 1, 2 … over all epochs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SlotNumber(u64);

impl SlotNumber {
    pub fn new(number: u64) -> Self {
        SlotNumber(number)
    }

    pub fn get(self) -> u64 {
        self.0
    }

    pub fn next(self) -> SlotNumber {
        SlotNumber(self.0 + 1)
    }

    /// The key of this slot, relative to the cluster's prefix. Keys of a
    /// shard sort as their numbers do.
    pub fn key(self, shard: &ShardName) -> String {
        format!("slots/{shard}/{self:020}")
    }
}

impl fmt::Display for SlotNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotContents {
    /// A promotion stopped here whoever filled the slots before.
    Seal,
    /// Canonical bytes of batches, in order; at least one.
    Batches(Vec<ByteBuf>),
}

/// One slot. `cluster`, `shard` and `number` say where it belongs, so that a
/// copy in another place is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub cluster: ClusterId,
    pub shard: ShardName,
    pub number: SlotNumber,
    /// The epoch of the node that put it.
    pub epoch: Epoch,
    /// Drawn for this slot, the same in every attempt to put it.
    pub nonce: Nonce,
    pub contents: SlotContents,
}

/// Why bytes are not the slot that was asked for. It is never skipped: what
/// follows it cannot be joined to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    #[error("it is damaged: the hash at its end does not fit")]
    Damaged,
    #[error("it has format {found}, this binary knows {FORMAT}: upgrade this node")]
    UnknownFormat { found: u32 },
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error("it is slot {number} of shard {shard} of cluster {cluster}: it was copied here")]
    Elsewhere {
        cluster: ClusterId,
        shard: ShardName,
        number: SlotNumber,
    },
}

impl Slot {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = FORMAT.to_le_bytes().to_vec();
        bytes = postcard::to_extend(self, bytes).expect("a slot is always representable");
        let hash = blake3::hash(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        bytes
    }

    /// Reads the slot that lies at this place. The batches in it are bytes:
    /// whoever uses them verifies them.
    pub fn decode(
        bytes: &[u8],
        cluster: ClusterId,
        shard: &ShardName,
        number: SlotNumber,
    ) -> Result<Slot, SlotError> {
        let (covered, hash) = bytes
            .split_last_chunk::<HASH_BYTES>()
            .ok_or(SlotError::Damaged)?;
        if blake3::hash(covered) != *hash {
            return Err(SlotError::Damaged);
        }
        let (format, body) = covered.split_first_chunk().ok_or(SlotError::Damaged)?;
        let found = u32::from_le_bytes(*format);
        if found != FORMAT {
            return Err(SlotError::UnknownFormat { found });
        }
        let slot: Slot =
            postcard::from_bytes(body).map_err(|error| SlotError::Unreadable(error.to_string()))?;
        if (slot.cluster, &slot.shard, slot.number) != (cluster, shard, number) {
            return Err(SlotError::Elsewhere {
                cluster: slot.cluster,
                shard: slot.shard,
                number: slot.number,
            });
        }
        Ok(slot)
    }
}
