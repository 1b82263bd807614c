use crate::disk::{Disk, DiskError, read_optional, replace_durably};
use understudy_types::Nonce;

const FILE: &str = "hook";

/// How many requests are remembered. One is void in every epoch but its own,
/// so that the oldest ones cannot come back.
const KEPT_MAX: usize = 256;

/// Whether a hook may run for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookMark {
    First,
    /// It has run for it, on this data root, and perhaps in an earlier process.
    Again,
}

/// Marks that the hook before a promotion runs for this request. The mark is
/// durable on return; after an error it may be there or not.
pub fn mark_hook<D: Disk>(disk: &D, request: Nonce) -> Result<HookMark, DiskError> {
    let former = read_optional(disk, FILE)?.unwrap_or_default();
    let former = String::from_utf8_lossy(&former).into_owned();
    let mark = request.to_string();
    let mut marks: Vec<&str> = former.lines().collect();
    if marks.contains(&mark.as_str()) {
        return Ok(HookMark::Again);
    }
    marks.push(&mark);
    let excess = marks.len().saturating_sub(KEPT_MAX);
    let body = marks[excess..].join("\n");
    replace_durably(disk, FILE, body.as_bytes())?;
    Ok(HookMark::First)
}
