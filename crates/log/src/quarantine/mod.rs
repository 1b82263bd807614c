//! Divergent tails: records that only a returning primary had. They are kept
//! whole, reported, exportable, never merged, and never deleted here.
//!
//! `quarantine/<shard>/<epoch>-<first lsn>-<last lsn>.batches` is a header
//! block of 4096 bytes (magic, crc32c and length of the JSON, the JSON,
//! zeros) and the canonical bytes of the batches, one after the other.

mod error;
mod format;
mod read;
mod store;

pub use error::QuarantineError;
pub use format::{FORMAT_VERSION, Notice, Summary};
pub use read::{list, read};
pub use store::store;
