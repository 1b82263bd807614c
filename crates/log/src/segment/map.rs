use super::HEADER_BLOCK_BYTES;
use super::frame::entry_bytes;
use crate::BatchHeader;
use understudy_types::{ChainHash, Lsn, Position};

/// One index entry for about this many bytes of a segment.
const INDEX_STRIDE_BYTES: u64 = 256 * 1024;

/// Where a batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) first_lsn: Lsn,
    /// Of its entry, from the file's beginning.
    pub(crate) offset: u64,
    /// Canonical bytes of the log before it.
    pub(crate) bytes_before: u64,
}

/// What is known of one segment file.
#[derive(Debug, Clone)]
pub(crate) struct SegmentInfo {
    pub(crate) path: String,
    pub(crate) first_lsn: Lsn,
    /// The chain hash before it, which is also the salt of its frames.
    pub(crate) previous: ChainHash,
    /// Where the next entry would begin.
    pub(crate) end: u64,
    /// Canonical bytes of the log up to `end`.
    pub(crate) bytes_total: u64,
    pub(crate) index: Vec<IndexEntry>,
}

impl SegmentInfo {
    pub(crate) fn empty(
        path: String,
        first_lsn: Lsn,
        previous: ChainHash,
        bytes_total: u64,
    ) -> Self {
        let end = HEADER_BLOCK_BYTES as u64;
        SegmentInfo {
            path,
            first_lsn,
            previous,
            end,
            bytes_total,
            index: Vec::new(),
        }
    }

    /// Where the log stood before it; `None` for the first one.
    pub(crate) fn before(&self) -> Option<Position> {
        let hash = self.previous;
        let lsn = Lsn::new(self.first_lsn.get() - 1);
        lsn.map(|lsn| Position { lsn, hash })
    }

    /// Canonical bytes of its batches.
    pub(crate) fn batch_bytes(&self) -> u64 {
        let before = self.index.first().map(|first| first.bytes_before);
        before.map_or(0, |before| self.bytes_total - before)
    }

    pub(crate) fn note(&mut self, header: &BatchHeader) {
        let far = |last: &IndexEntry| self.end - last.offset >= INDEX_STRIDE_BYTES;
        if self.index.last().is_none_or(far) {
            let bytes_before = self.bytes_total;
            let first_lsn = header.first_lsn;
            self.index.push(IndexEntry {
                first_lsn,
                offset: self.end,
                bytes_before,
            });
        }
        self.end += entry_bytes(header.batch_bytes());
        self.bytes_total += header.batch_bytes() as u64;
    }

    /// Forgets everything from `end` on.
    pub(crate) fn cut(&mut self, end: u64, bytes_total: u64) {
        self.index.retain(|entry| entry.offset < end);
        self.end = end;
        self.bytes_total = bytes_total;
    }
}

/// From where to look for a record.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The segment's place in the map.
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) salt: ChainHash,
    pub(crate) entry: IndexEntry,
}

/// The segments in order, with a sparse index.
#[derive(Debug, Default)]
pub(crate) struct SegmentMap {
    pub(crate) segments: Vec<SegmentInfo>,
}

impl SegmentMap {
    /// The nearest known beginning of a batch at or below `lsn`; `None` when
    /// the segment that would hold it has no batch.
    pub(crate) fn locate(&self, lsn: Lsn) -> Option<Place> {
        let number = self
            .segments
            .partition_point(|s| s.first_lsn <= lsn)
            .checked_sub(1)?;
        let segment = &self.segments[number];
        let at = segment
            .index
            .partition_point(|e| e.first_lsn <= lsn)
            .checked_sub(1)?;
        let (path, salt) = (segment.path.clone(), segment.previous);
        Some(Place {
            number,
            path,
            salt,
            entry: segment.index[at],
        })
    }
}
