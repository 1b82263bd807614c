use super::TornTail;
use crate::segment::Window;
use crate::{Disk, DiskError};

const PIECE_BYTES: usize = 1024 * 1024;

/// Zeros the torn tail; [`settle_tail`] on the same file makes it durable. A
/// crash half-way leaves a tail that is still torn: zeros prove nothing.
pub(crate) fn cut_torn_tail<D: Disk>(disk: &D, torn: &TornTail) -> Result<(), DiskError> {
    let file = disk.open(&torn.file)?;
    let end = torn.offset + torn.bytes;
    let zeros = vec![0; PIECE_BYTES];
    let mut offset = torn.offset;
    while offset < end {
        let step = (end - offset).min(PIECE_BYTES as u64);
        disk.write_at(&file, offset, &zeros[..step as usize])?;
        offset += step;
    }
    Ok(())
}

/// Writes the bytes from `from` to `to` once more, and flushes them.
///
/// They were read, which does not prove that they are on stable storage:
/// after a flush that failed, the system may show bytes that the device
/// never got, and say that they are clean. Written again, they are dirty.
pub(crate) fn settle_tail<D: Disk>(
    disk: &D,
    path: &str,
    from: u64,
    to: u64,
) -> Result<(), DiskError> {
    let mut window = Window::open(disk, path, PIECE_BYTES)?;
    let file = disk.open(path)?;
    let mut offset = from;
    while offset < to {
        let step = (to - offset).min(PIECE_BYTES as u64) as usize;
        let Some(bytes) = window.slice(disk, offset, step)? else {
            break;
        };
        disk.write_at(&file, offset, &bytes)?;
        offset += step as u64;
    }
    disk.sync_data(&file)
}
