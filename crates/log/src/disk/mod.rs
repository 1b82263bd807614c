//! What the log needs of a disk, and nothing more.

mod error;
mod os;
mod replace;

pub use error::{Certainty, DiskError, DiskErrorKind};
pub use os::{OsDisk, OsFile};
pub(crate) use replace::fresh_file;
pub use replace::{read_optional, replace_durably};

use bytes::Bytes;

/// Files below one data root. Paths are relative to it, with `/` between
/// names, and `""` is the root itself.
///
/// ```text
///   write_at ──► readable at once ──► sync_data ──► survives a power cut
///   create_new / rename / remove ───► sync_dir ───► survives a power cut
/// ```
/// What was not synced may be there after a power cut, may be gone, or may
/// be there in part, at a granularity of 512 bytes. An error of
/// [`Certainty::Indeterminate`] may have happened all the same; nothing here
/// retries. All calls block, and none can be cancelled.
pub trait Disk: Send + Sync + 'static {
    type File: Send + Sync + 'static;

    /// Makes the directory and those above it; nothing when it exists. Not
    /// durable until each parent is synced.
    fn create_dir(&self, path: &str) -> Result<(), DiskError>;

    /// The names in a directory, sorted. `NotFound` when there is none.
    fn list(&self, path: &str) -> Result<Vec<String>, DiskError>;

    /// The whole file.
    fn read(&self, path: &str) -> Result<Bytes, DiskError>;

    /// Opens for reading and writing.
    fn open(&self, path: &str) -> Result<Self::File, DiskError>;

    /// Makes a file of `length` zero bytes, written and synced, so that a
    /// later `sync_data` need not change the file's metadata. Its name is not
    /// durable until the directory is synced. Leaves nothing on an error.
    fn create_new(&self, path: &str, length: u64) -> Result<Self::File, DiskError>;

    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file.
    fn read_at(
        &self,
        file: &Self::File,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError>;

    /// Writes all of `bytes`; on an error any part of it may be written.
    fn write_at(&self, file: &Self::File, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes the file's bytes and length durable. After an error it is
    /// unknown what is durable, and a second call may wrongly succeed.
    fn sync_data(&self, file: &Self::File) -> Result<(), DiskError>;

    fn len(&self, file: &Self::File) -> Result<u64, DiskError>;

    /// Cuts or extends with zeros. Not durable until `sync_data`.
    fn truncate(&self, file: &Self::File, length: u64) -> Result<(), DiskError>;

    /// Gives a file another name, replacing what had it. Not durable until
    /// the directory is synced; after a power cut either name may hold.
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file's name. Not durable until the directory is synced.
    fn remove(&self, path: &str) -> Result<(), DiskError>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &str) -> Result<(), DiskError>;

    /// Bytes that can still be allocated by this process.
    fn free_bytes(&self) -> Result<u64, DiskError>;

    /// Lets go what the system keeps of the file in memory, so that the next
    /// read asks the device. The default has nothing to let go.
    fn forget_cached(&self, _path: &str) -> Result<(), DiskError> {
        Ok(())
    }

    /// Does work beside the caller, in any order with it. The default does
    /// it at once, which keeps a simulation deterministic.
    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// The directory part of a path.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
