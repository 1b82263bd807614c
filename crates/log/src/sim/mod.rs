//! A disk in memory that behaves as badly as a real one may.
//!
//! It is deterministic: the same calls and the same decisions give the same
//! bytes. A power cut loses, keeps or tears what was not synced, at 512-byte
//! sectors; names that were not synced by their directory may vanish, and
//! renames may be undone. After a failed sync the system calls the bytes
//! clean although the device never got them. Files that were open before a
//! power cut do not work after it.

mod crash;
mod disk;
mod faults;
mod inode;
mod names;
mod steps;

pub use crash::decisions;
pub use disk::{SimDisk, SimFile};
pub use steps::{Change, Moment, Step, Subject};
