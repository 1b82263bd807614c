use super::Log;
use crate::segment::{HEADER_BLOCK_BYTES, SegmentHeader, SegmentInfo, segment_path, takes_more};
use crate::{Disk, DiskErrorKind, LogError};
use understudy_types::ChainHash;

/// Magic and version.
const VERSIONED_BYTES: usize = 12;

/// The segment that is appended to.
pub(super) struct Active<D: Disk> {
    pub(super) file: D::File,
    pub(super) file_bytes: u64,
    /// The chain hash before the segment, which its frames are salted with.
    pub(super) salt: ChainHash,
    /// Where the next entry begins.
    pub(super) end: u64,
}

impl<D: Disk> Active<D> {
    pub(super) fn open(disk: &D, info: &SegmentInfo) -> Result<Self, LogError> {
        let file = disk.open(&info.path)?;
        let mut start = [0; VERSIONED_BYTES];
        disk.read_at(&file, 0, &mut start)?;
        // The next batch goes to a segment that says what may be in it.
        let file_bytes = match takes_more(&start) {
            true => disk.len(&file)?,
            false => info.end,
        };
        Ok(Active {
            file,
            file_bytes,
            salt: info.previous,
            end: info.end,
        })
    }

    pub(super) fn has_room_for(&self, entry_bytes: u64) -> bool {
        entry_bytes <= self.file_bytes - self.end
    }
}

impl<D: Disk> Log<D> {
    /// Begins a new segment with room for an entry of `entry_bytes`. Flushes
    /// the old one first: what is not flushed is only ever in the last
    /// segment. Durable on return.
    pub(super) fn roll(&mut self, entry_bytes: u64) -> Result<(), LogError> {
        self.flush()?;
        let prepared = self.spare.take(HEADER_BLOCK_BYTES as u64 + entry_bytes)?;
        let first_lsn = self.next_lsn();
        let path = segment_path(&self.root.directory, first_lsn);
        let header = SegmentHeader {
            cluster: self.config.cluster,
            shard: self.config.shard.clone(),
            first_lsn,
            previous: self.head_hash(),
        };
        let file = self.disk.open(&prepared)?;
        self.disk.write_at(&file, 0, &header.encode())?;
        self.disk
            .sync_data(&file)
            .map_err(|error| self.poison(error))?;
        self.name_segment(&prepared, &path)?;
        let bytes_total = self.history.bytes_total();
        let info = SegmentInfo::empty(path, first_lsn, header.previous, bytes_total);
        self.active = Some(Active::open(&*self.disk, &info)?);
        self.lock().map.segments.push(info);
        self.spare.prepare();
        Ok(())
    }

    /// A rename that failed may have happened. The name goes again then: a
    /// batch that still fits the old segment may take the place of this one.
    fn name_segment(&mut self, prepared: &str, path: &str) -> Result<(), LogError> {
        let renamed = self.disk.rename(prepared, path);
        if renamed.is_err() {
            match self.disk.remove(path) {
                Err(error) if error.kind != DiskErrorKind::NotFound => {
                    return Err(self.poison(error));
                }
                _ => {}
            }
        }
        self.disk
            .sync_dir(&self.root.directory)
            .map_err(|error| self.poison(error))?;
        Ok(renamed?)
    }
}
