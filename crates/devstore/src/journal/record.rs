//! A record's bytes, all numbers little-endian:
//!
//! ```text
//! u32 length of payload | u32 crc32c of payload | u32 crc32c of (offset, length, payload's crc)
//! payload: u8 kind | u64 modified | u32 length, bucket | u32 length, key | 32 etag | body
//! ```
//!
//! The head's checksum covers the record's own offset in the file, so bytes
//! that merely look like a record, inside a body for example, are not one.

use crate::contents::{Change, Stored};
use bytes::Bytes;

pub(super) const HEAD_LENGTH: usize = 12;
const ETAG_LENGTH: usize = 32;

const MAKE_BUCKET: u8 = 1;
const PUT: u8 = 2;
const DELETE: u8 = 3;

/// What the bytes at an offset are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Record {
        change: Change,
        length: usize,
    },
    /// Not a sound record, and why.
    Unsound(&'static str),
}

pub(super) fn encode(change: &Change, offset: u64) -> Vec<u8> {
    let mut record = vec![0; HEAD_LENGTH];
    match change {
        Change::MakeBucket { bucket, modified } => {
            push_names(&mut record, MAKE_BUCKET, *modified, bucket, "");
        }
        Change::Put {
            bucket,
            key,
            object,
        } => {
            push_names(&mut record, PUT, object.modified, bucket, key);
            record.extend_from_slice(object.etag.as_bytes());
            record.extend_from_slice(&object.body);
        }
        Change::Delete { bucket, key } => push_names(&mut record, DELETE, 0, bucket, key),
    }
    let payload = &record[HEAD_LENGTH..];
    let head = head_of(offset, length_u32(payload), crc32c::crc32c(payload));
    record[..HEAD_LENGTH].copy_from_slice(&head);
    record
}

fn head_of(offset: u64, length: u32, payload_crc: u32) -> [u8; HEAD_LENGTH] {
    let mut head = [0; HEAD_LENGTH];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..8].copy_from_slice(&payload_crc.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&offset.to_le_bytes()), &head[..8]);
    head[8..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn push_names(record: &mut Vec<u8>, kind: u8, modified: u64, bucket: &str, key: &str) {
    record.push(kind);
    record.extend_from_slice(&modified.to_le_bytes());
    for name in [bucket, key] {
        record.extend_from_slice(&length_u32(name.as_bytes()).to_le_bytes());
        record.extend_from_slice(name.as_bytes());
    }
}

fn length_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("bodies and names are bounded when they are received")
}

/// Reads the record that begins at `offset` of `file`.
pub(super) fn decode(file: &Bytes, offset: usize) -> Decoded {
    let rest = file.slice(offset..);
    let Some(head) = rest.first_chunk::<HEAD_LENGTH>() else {
        return Decoded::Unsound("a part of a record's head");
    };
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let payload_crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if *head != head_of(offset as u64, length, payload_crc) {
        return Decoded::Unsound("a head with another checksum");
    }
    let end = HEAD_LENGTH + length as usize;
    if rest.len() < end {
        return Decoded::Unsound("a part of a payload");
    }
    let payload = rest.slice(HEAD_LENGTH..end);
    if crc32c::crc32c(&payload) != payload_crc {
        return Decoded::Unsound("a payload with another checksum");
    }
    match change_from(payload) {
        Some(change) => Decoded::Record {
            change,
            length: end,
        },
        None => Decoded::Unsound("a payload of an unknown form"),
    }
}

fn change_from(mut payload: Bytes) -> Option<Change> {
    let kind = take(&mut payload, 1)?[0];
    let modified = u64::from_le_bytes(take(&mut payload, 8)?[..].try_into().ok()?);
    let bucket = take_name(&mut payload)?;
    let key = take_name(&mut payload)?;
    match kind {
        MAKE_BUCKET => Some(Change::MakeBucket { bucket, modified }),
        DELETE => Some(Change::Delete { bucket, key }),
        PUT => {
            let etag = String::from_utf8(take(&mut payload, ETAG_LENGTH)?.to_vec()).ok()?;
            // A copy, so that one object does not keep the whole file alive.
            let body = Bytes::copy_from_slice(&payload);
            Some(Change::Put {
                bucket,
                key,
                object: Stored {
                    etag: etag.into(),
                    body,
                    modified,
                },
            })
        }
        _ => None,
    }
}

fn take(payload: &mut Bytes, length: usize) -> Option<Bytes> {
    (payload.len() >= length).then(|| payload.split_to(length))
}

fn take_name(payload: &mut Bytes) -> Option<String> {
    let length = u32::from_le_bytes(take(payload, 4)?[..].try_into().ok()?);
    String::from_utf8(take(payload, length as usize)?.to_vec()).ok()
}
