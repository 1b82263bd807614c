//! **CorruptionIsRefused**: a flipped bit in a flushed segment is refused at
//! the next start, with the file and a place that is not behind it. Nothing
//! is cut, and nothing of that log is served.

use super::{Life, Verdict};
use understudy_log::Damage;

/// Where a bit was flipped on a disk.
#[derive(Clone, Debug)]
pub(crate) struct Rot {
    pub(crate) file: String,
    pub(crate) offset: u64,
}

pub(super) fn refused(life: Life, rot: &Rot, damage: &Damage) -> Verdict {
    if damage.file == rot.file && damage.offset <= rot.offset {
        return Ok(());
    }
    Err(format!(
        "n{} refuses its log with {damage}, but the flipped bit is in {} at byte {}",
        life.0, rot.file, rot.offset
    ))
}

pub(super) fn opened(life: Life, rot: &Rot) -> Verdict {
    Err(format!(
        "n{} opens its log, although a bit is flipped in {} at byte {}",
        life.0, rot.file, rot.offset
    ))
}
