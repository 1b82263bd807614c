use super::{Disk, DiskError, DiskErrorKind, parent};
use bytes::Bytes;

/// Makes an empty file, in place of a leftover of the same name.
pub(crate) fn fresh_file<D: Disk>(disk: &D, path: &str, length: u64) -> Result<D::File, DiskError> {
    match disk.remove(path) {
        Err(error) if error.kind != DiskErrorKind::NotFound => Err(error),
        _ => disk.create_new(path, length),
    }
}

/// Replaces a small file as a whole: durable on return, and at any power cut
/// the file holds the old bytes or the new ones. On an error either may hold.
pub fn replace_durably<D: Disk>(disk: &D, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = format!("{path}.tmp");
    let file = fresh_file(disk, &temporary, 0)?;
    disk.write_at(&file, 0, bytes)?;
    disk.sync_data(&file)?;
    disk.rename(&temporary, path)?;
    disk.sync_dir(parent(path))
}

/// The whole file, or `None` when there is none.
pub fn read_optional<D: Disk>(disk: &D, path: &str) -> Result<Option<Bytes>, DiskError> {
    match disk.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
