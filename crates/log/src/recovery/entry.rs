use crate::segment::frame::{ENTRY_HEAD_BYTES, EntryError, EntryHead, FRAME_BYTES, entry_bytes};
use crate::segment::{Place, Window};
use crate::{Batch, BatchError, BatchHeader, Damage, Disk, DiskError, LogError};
use understudy_types::{ChainHash, Lsn};

/// What was read where an entry would begin.
pub(crate) enum Entry {
    Batch {
        batch: Batch,
        flushed: Option<Lsn>,
    },
    /// No room for an entry, or zeros where its head would be.
    Blank,
    Damaged(EntryError),
}

/// Reads and verifies the entry at `offset`.
pub(crate) fn read_entry<D: Disk>(
    disk: &D,
    window: &mut Window<D>,
    salt: &ChainHash,
    offset: u64,
) -> Result<Entry, DiskError> {
    let Some(head) = window.slice(disk, offset, ENTRY_HEAD_BYTES)? else {
        return Ok(Entry::Blank);
    };
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Entry::Blank);
    }
    let EntryHead { header, flushed } = match EntryHead::parse(salt, &head) {
        Ok(head) => head,
        Err(error) => return Ok(Entry::Damaged(error)),
    };
    let expected = header.batch_bytes();
    let Some(bytes) = window.slice(disk, offset + FRAME_BYTES as u64, expected)? else {
        let room = window
            .file_bytes()
            .saturating_sub(offset + FRAME_BYTES as u64);
        let found = usize::try_from(room).unwrap_or(usize::MAX);
        return Ok(Entry::Damaged(
            BatchError::Length { expected, found }.into(),
        ));
    };
    Ok(match Batch::decode(bytes) {
        Ok(batch) => Entry::Batch { batch, flushed },
        Err(error) => Entry::Damaged(error.into()),
    })
}

/// The end of a batch, as a search found it.
pub(crate) struct BatchEnd {
    pub(crate) header: BatchHeader,
    pub(crate) segment: usize,
    /// Just after its entry.
    pub(crate) offset: u64,
    /// Canonical bytes of the log up to there.
    pub(crate) bytes_total: u64,
}

/// Searches from `place` on for the batch that contains `lsn`, which must be
/// in that segment. Reads headers only.
pub(crate) fn find_batch_end<D: Disk>(
    disk: &D,
    place: &Place,
    lsn: Lsn,
) -> Result<BatchEnd, LogError> {
    let mut window = Window::open(disk, &place.path, 64 * 1024)?;
    let mut offset = place.entry.offset;
    let mut bytes_total = place.entry.bytes_before;
    loop {
        let header = read_head(disk, &mut window, place, offset)?;
        offset += entry_bytes(header.batch_bytes());
        bytes_total += header.batch_bytes() as u64;
        if header.last_lsn() >= lsn {
            return Ok(BatchEnd {
                header,
                segment: place.number,
                offset,
                bytes_total,
            });
        }
    }
}

/// The header at `offset`, where a batch is known to be.
pub(crate) fn read_head<D: Disk>(
    disk: &D,
    window: &mut Window<D>,
    place: &Place,
    offset: u64,
) -> Result<BatchHeader, LogError> {
    let found = match window.slice(disk, offset, ENTRY_HEAD_BYTES)? {
        None => "the end of the file".to_owned(),
        Some(head) => match EntryHead::parse(&place.salt, &head) {
            Ok(head) => return Ok(head.header),
            Err(error) => error.to_string(),
        },
    };
    let expected = "a batch that was verified before".to_owned();
    Err(Damage {
        file: place.path.clone(),
        offset,
        expected,
        found,
    }
    .into())
}
