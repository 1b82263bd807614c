//! A hash of a set that can be added to and removed from.
//!
//! Each entry is hashed by BLAKE3 and the hashes are added in four lanes of
//! 64 bits, so the order of changes does not matter and taking an entry out
//! is one subtraction. Two different sets that differ by accident collide
//! with a chance of 2⁻²⁵⁶. Sums of hashes can be made to collide on purpose
//! with far less work than BLAKE3 itself (Wagner's generalised birthday). That
//! does not weaken what the digest is for: both nodes apply the same chained
//! log, so nobody can give them two sets of their choice, and what is looked
//! for is a fault.
//!
//! Every entry is framed so that no two different ones give the same bytes:
//! a tag, the key's length, the key, numbers of fixed width, and the value
//! last.

use super::Version;

/// Longer values enter by their own hash, to keep the buffer on the stack.
const LONGEST_INLINE: usize = 512;

const VERSION: u8 = 1;
const VERSION_BY_HASH: u8 = 2;
const DELETION: u8 = 3;
const ORDER: u8 = 4;
const LEASE: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHash([u64; 4]);

/// The sum of the hashes of a set's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentHash([u64; 4]);

impl ContentHash {
    pub(crate) fn add(&mut self, entry: EntryHash) {
        self.0
            .iter_mut()
            .zip(entry.0)
            .for_each(|(sum, lane)| *sum = sum.wrapping_add(lane));
    }

    pub(crate) fn remove(&mut self, entry: EntryHash) {
        self.0
            .iter_mut()
            .zip(entry.0)
            .for_each(|(sum, lane)| *sum = sum.wrapping_sub(lane));
    }
}

/// One hash over sums and the numbers that belong to no entry.
pub(crate) fn content_digest(sums: &[ContentHash], numbers: &[i64]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for lane in sums.iter().flat_map(|sum| sum.0) {
        hasher.update(&lane.to_le_bytes());
    }
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

pub(super) fn version_hash(key: &[u8], version: &Version) -> EntryHash {
    let numbers = [
        version.create_revision,
        version.mod_revision,
        version.number,
        version.lease,
    ];
    if key.len() + version.value.len() <= LONGEST_INLINE {
        return entry_hash(VERSION, key, &numbers, &version.value);
    }
    entry_hash(
        VERSION_BY_HASH,
        key,
        &numbers,
        blake3::hash(&version.value).as_bytes(),
    )
}

pub(super) fn deletion_hash(key: &[u8], revision: i64) -> EntryHash {
    entry_hash(DELETION, key, &[revision], &[])
}

/// That a key's event is not the first one of its revision.
pub(super) fn order_hash(key: &[u8], revision: i64, order: u32) -> EntryHash {
    entry_hash(ORDER, key, &[revision, i64::from(order)], &[])
}

pub(crate) fn lease_hash(id: i64, ttl_seconds: i64) -> EntryHash {
    entry_hash(LEASE, &[], &[id, ttl_seconds], &[])
}

fn entry_hash(tag: u8, key: &[u8], numbers: &[i64], value: &[u8]) -> EntryHash {
    const NUMBERS: usize = 4 * 8;
    let mut buffer = [0; 1 + 8 + LONGEST_INLINE + NUMBERS];
    if key.len() + value.len() > LONGEST_INLINE {
        // A long key, with a value that is already a hash.
        return entry_hash_of_long_key(tag, key, numbers, value);
    }
    let mut length = 0;
    let mut append = |bytes: &[u8]| {
        buffer[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    };
    append(&[tag]);
    append(&(key.len() as u64).to_le_bytes());
    append(key);
    numbers
        .iter()
        .for_each(|number| append(&number.to_le_bytes()));
    append(value);
    lanes(blake3::hash(&buffer[..length]))
}

fn entry_hash_of_long_key(tag: u8, key: &[u8], numbers: &[i64], value: &[u8]) -> EntryHash {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&[tag])
        .update(&(key.len() as u64).to_le_bytes())
        .update(key);
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    lanes(hasher.update(value).finalize())
}

fn lanes(hash: blake3::Hash) -> EntryHash {
    let (lanes, _) = hash.as_bytes().as_chunks::<8>();
    EntryHash(std::array::from_fn(|lane| u64::from_le_bytes(lanes[lane])))
}
