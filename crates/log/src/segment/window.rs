use crate::{Disk, DiskError};
use bytes::Bytes;

/// Reads a file in large pieces and hands out slices of them.
pub(crate) struct Window<D: Disk> {
    file: D::File,
    file_bytes: u64,
    piece_bytes: usize,
    start: u64,
    piece: Bytes,
}

impl<D: Disk> Window<D> {
    pub(crate) fn open(disk: &D, path: &str, piece_bytes: usize) -> Result<Self, DiskError> {
        let file = disk.open(path)?;
        let file_bytes = disk.len(&file)?;
        Ok(Window {
            file,
            file_bytes,
            piece_bytes,
            start: 0,
            piece: Bytes::new(),
        })
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Exactly `length` bytes from `offset`, or `None` when the file ends
    /// before. The slice keeps the whole piece in memory while it lives.
    pub(crate) fn slice(
        &mut self,
        disk: &D,
        offset: u64,
        length: usize,
    ) -> Result<Option<Bytes>, DiskError> {
        let end = offset.saturating_add(length as u64);
        if end > self.file_bytes {
            return Ok(None);
        }
        if offset < self.start || end > self.start + self.piece.len() as u64 {
            self.load(disk, offset, length)?;
        }
        let from = (offset - self.start) as usize;
        Ok((from + length <= self.piece.len()).then(|| self.piece.slice(from..from + length)))
    }

    /// Forgets what was read, because the file may have changed.
    pub(crate) fn forget(&mut self) {
        self.piece = Bytes::new();
    }

    /// The offset just after the last byte at or after `from` that is not
    /// zero, if there is one.
    pub(crate) fn last_used(&mut self, disk: &D, from: u64) -> Result<Option<u64>, DiskError> {
        let mut offset = from;
        let mut used = None;
        while offset < self.file_bytes {
            let length = (self.file_bytes - offset).min(self.piece_bytes as u64) as usize;
            let Some(piece) = self.slice(disk, offset, length)? else {
                break;
            };
            if let Some(at) = piece.iter().rposition(|byte| *byte != 0) {
                used = Some(offset + at as u64 + 1);
            }
            offset += length as u64;
        }
        Ok(used)
    }

    fn load(&mut self, disk: &D, offset: u64, length: usize) -> Result<(), DiskError> {
        let wanted = length.max(self.piece_bytes) as u64;
        let mut buffer = vec![0; wanted.min(self.file_bytes - offset) as usize];
        let read = disk.read_at(&self.file, offset, &mut buffer)?;
        buffer.truncate(read);
        self.start = offset;
        self.piece = Bytes::from(buffer);
        Ok(())
    }
}
