use super::MAGIC;
use super::record::{self, Decoded, HEAD_LENGTH};
use crate::DevStoreError;
use crate::contents::Contents;
use bytes::Bytes;
use std::path::Path;

#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) contents: Contents,
    /// The end of the last sound record; 0 when there is no journal yet.
    pub(super) end: u64,
}

/// Reads all records. What is unsound at the very end is a torn tail: each
/// record was flushed before the next began, so only the last can be torn,
/// and nobody was told that it is stored. An unsound record with a sound one
/// after it is damage.
pub(super) fn recover(file: &Bytes, path: &Path) -> Result<Recovered, DevStoreError> {
    let mut contents = Contents::default();
    if file.is_empty() {
        return Ok(Recovered { contents, end: 0 });
    }
    if !file.starts_with(MAGIC) {
        return Err(damage(
            path,
            0,
            "a journal of a development store",
            "another file",
        ));
    }
    let mut offset = MAGIC.len();
    while offset < file.len() {
        match record::decode(file, offset) {
            Decoded::Record { change, length } => {
                contents.apply(change);
                offset += length;
            }
            Decoded::Unsound(found) if sound_record_follows(file, offset) => {
                return Err(damage(path, offset, "a sound record", found));
            }
            Decoded::Unsound(_) => break,
        }
    }
    Ok(Recovered {
        contents,
        end: offset as u64,
    })
}

fn sound_record_follows(file: &Bytes, unsound: usize) -> bool {
    let last = file.len().saturating_sub(HEAD_LENGTH);
    (unsound + 1..=last)
        .any(|offset| matches!(record::decode(file, offset), Decoded::Record { .. }))
}

fn damage(path: &Path, offset: usize, expected: &'static str, found: &str) -> DevStoreError {
    DevStoreError::Damaged {
        path: path.to_owned(),
        offset: offset as u64,
        expected,
        found: found.to_owned(),
    }
}

/// About how many bytes a journal of just these contents takes.
pub(super) fn size_of(contents: &Contents) -> u64 {
    const RECORD_OVERHEAD: u64 = 64;
    let objects = contents.buckets.values().flat_map(|bucket| &bucket.objects);
    let sizes = objects.map(|(key, object)| (key.len() + object.body.len()) as u64);
    sizes.map(|size| size + RECORD_OVERHEAD).sum::<u64>() + MAGIC.len() as u64
}
