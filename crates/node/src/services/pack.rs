//! Batches as they go over the wire: as they are, or many at once compressed.

use crate::settings::Compression;
use crate::status::SentStatus;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_log::Batch;
use understudy_wire::v1::{CompressedBatches, follow_response};

/// About how many bytes are compressed at once: enough to find what repeats,
/// and little enough to wait for.
const COMPRESSED_AT_ONCE: usize = 256 << 10;

/// A message, and what it costs on the wire.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) message: follow_response::Message,
    pub(super) wire_bytes: usize,
}

/// What was sent to standbys, since the start.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    canonical: AtomicU64,
    wire: AtomicU64,
}

impl Sent {
    pub(super) fn add(&self, canonical: usize, wire: usize) {
        self.canonical
            .fetch_add(canonical as u64, Ordering::Relaxed);
        self.wire.fetch_add(wire as u64, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> SentStatus {
        SentStatus {
            canonical_bytes: self.canonical.load(Ordering::Relaxed),
            wire_bytes: self.wire.load(Ordering::Relaxed),
        }
    }
}

/// The next message of the batches; what is in it is taken from them.
pub(super) fn pack(
    batches: &mut std::vec::IntoIter<Batch>,
    compression: Compression,
    sent: &Sent,
) -> Option<Packed> {
    let first = batches.next()?;
    let plain = |batch: &Batch| follow_response::Message::Batch(batch.bytes().clone());
    if compression == Compression::None {
        let bytes = first.bytes().len();
        sent.add(bytes, bytes);
        return Some(Packed {
            message: plain(&first),
            wire_bytes: bytes,
        });
    }
    let mut lengths = vec![first.bytes().len() as u32];
    let mut bytes = first.bytes().to_vec();
    while let Some(next) = batches.as_slice().first()
        && bytes.len() + next.bytes().len() <= COMPRESSED_AT_ONCE
    {
        lengths.push(next.bytes().len() as u32);
        bytes.extend_from_slice(next.bytes());
        batches.next();
    }
    let zstd = compress_to_vec(&bytes[..], CompressionLevel::Fastest);
    let is_worth_it = zstd.len() < bytes.len() || lengths.len() > 1;
    let (message, wire_bytes) = match is_worth_it {
        true => {
            let wire_bytes = zstd.len();
            let zstd = zstd.into();
            let compressed = CompressedBatches { lengths, zstd };
            (follow_response::Message::Compressed(compressed), wire_bytes)
        }
        false => (plain(&first), bytes.len()),
    };
    sent.add(bytes.len(), wire_bytes);
    Some(Packed {
        message,
        wire_bytes,
    })
}
