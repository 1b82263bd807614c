//! Segment files: `shards/<shard>/<first lsn, 20 digits>.seg`.
//!
//! A segment is a header block of 4096 bytes, then entries, each at a
//! multiple of 8: a [`frame`] of 16 bytes that belongs to this disk alone,
//! and the batch's canonical bytes. The rest of the file is zeros.

pub(crate) mod frame;
mod header;
mod map;
mod names;
mod window;

pub(crate) use header::takes_more;
pub use header::{FORMAT_VERSION, HEADER_BLOCK_BYTES, SegmentHeader, SegmentHeaderError};
pub(crate) use map::{Place, SegmentInfo, SegmentMap};
pub(crate) use names::{is_leftover, list_segments, segment_path, shard_directory};
pub(crate) use window::Window;
