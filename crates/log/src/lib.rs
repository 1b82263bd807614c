//! The log: batches in a hash chain, in segment files, over a small
//! [`disk::Disk`].
//!
//! Everything here is synchronous: a call returns when its effect is what
//! its documentation says. The crate never opens a socket, reads no clock,
//! draws no random number, never retries a flush, and never repairs damage
//! by guessing: a torn tail is cut and reported, anything else is refused
//! with file, offset, expected and found.
//!
//! Invariants
//! - A batch is encoded and hashed once; the bytes on disk are those bytes.
//! - `written ≥ flushed`; both are ends of batches.
//! - Records are contiguous, every batch links to the one before it, and
//!   epochs never decrease: an append that would break this writes nothing.
//! - A segment is flushed before the next one exists, so unflushed batches
//!   are only ever in the last segment.
//! - A reader sees flushed batches only.
//!
//! Start with [`Batch`], then [`Log`], then `recovery::decision`.

pub mod batch;
pub mod disk;
mod error;
mod log;
pub mod quarantine;
mod reader;
pub mod recovery;
pub mod root;
mod scrub;
pub mod segment;
mod set_aside;
pub mod sim;
mod splice;
mod verify;

pub use batch::{
    Batch, BatchBuilder, BatchError, BatchHeader, BatchStart, EpochStart, MAX_BATCH_BYTES, Record,
};
pub use disk::{Certainty, Disk, DiskError, DiskErrorKind, OsDisk, read_optional, replace_durably};
pub use error::{AppendRefusal, Damage, LogError};
pub use log::{DEFAULT_SEGMENT_SIZE, EpochFork, Log, LogConfig};
pub use reader::{LogReader, ReaderFactory};
pub use recovery::{RecoveryReport, TornTail};
pub use root::{DataRoot, HookMark, Identity, PromiseFile, RootError, RootLock, mark_hook};
pub use scrub::{Scrub, Scrubbed, Sealed};
pub use set_aside::{DamagedEnd, find_damaged_end, find_damaged_end_with, set_aside};
pub use sim::SimDisk;
pub use splice::{Gap, Splice, SpliceError, find_gap};
pub use verify::{VerifyReport, verify, verify_with};
