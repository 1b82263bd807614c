use super::After;
use crate::segment::Window;
use crate::segment::frame::{ALIGNMENT, ENTRY_HEAD_BYTES, EntryHead, MAGIC};
use crate::{Disk, DiskError};
use understudy_types::{ChainHash, Lsn};

const SECTOR_BYTES: u64 = 512;

/// A place in the last segment where the batch that begins with `expected`
/// should be, and is not.
pub(super) struct Wound {
    pub(super) offset: u64,
    /// After the last byte that is not zero.
    pub(super) end: u64,
    pub(super) expected: Lsn,
}

/// Looks for later batches, and asks them whether the wound was whole when
/// they were written.
pub(super) fn after_wound<D: Disk>(
    disk: &D,
    window: &mut Window<D>,
    salt: &ChainHash,
    wound: &Wound,
) -> Result<After, DiskError> {
    let mut after = After::Nothing;
    let mut offset = wound.offset + ALIGNMENT;
    while offset < wound.end {
        let head = later_head(disk, window, salt, offset)?;
        if let Some(head) = head.filter(|head| head.header.first_lsn >= wound.expected) {
            if head.flushed >= Some(wound.expected) {
                return Ok(After::Evidence);
            }
            if after == After::Nothing {
                after = unflushed(disk, window, wound.offset, offset)?;
            }
        }
        offset += ALIGNMENT;
    }
    Ok(after)
}

fn later_head<D: Disk>(
    disk: &D,
    window: &mut Window<D>,
    salt: &ChainHash,
    offset: u64,
) -> Result<Option<EntryHead>, DiskError> {
    let Some(head) = window.slice(disk, offset, ENTRY_HEAD_BYTES)? else {
        return Ok(None);
    };
    if head[..MAGIC.len()] != MAGIC {
        return Ok(None);
    }
    Ok(EntryHead::parse(salt, &head).ok())
}

/// The batch at `later` was written in the same flush. A power cut explains
/// the wound only if a sector before that batch's own is still blank.
fn unflushed<D: Disk>(
    disk: &D,
    window: &mut Window<D>,
    wound: u64,
    later: u64,
) -> Result<After, DiskError> {
    let mut from = wound;
    let limit = later / SECTOR_BYTES * SECTOR_BYTES;
    while from < limit {
        let to = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;
        let sector = window.slice(disk, from, (to - from) as usize)?;
        if sector.is_some_and(|sector| sector.iter().all(|byte| *byte == 0)) {
            return Ok(After::SameFlush);
        }
        from = to;
    }
    Ok(After::Evidence)
}
