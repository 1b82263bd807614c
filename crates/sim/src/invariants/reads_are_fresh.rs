//! A linearizable read shows every write that was acknowledged, and every
//! value that a read had shown, before it began; but for what a promotion
//! has declared lost.

use super::Verdict;
use crate::oracle::{Floor, Oracle};
use understudy_types::Lsn;

pub(super) fn answered(
    oracle: &Oracle,
    shard: usize,
    key: u64,
    floor: Floor,
    found: Option<Lsn>,
) -> Verdict {
    // A promotion with loss may have lowered what counts since the read began.
    let least = floor.lsn.min(oracle.floor(shard, key).lsn);
    if found >= least {
        return Ok(());
    }
    Err(format!(
        "a read of key {key} in s{shard} found {found:?}, at least {least:?} was there before it began"
    ))
}
