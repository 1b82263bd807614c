//! What the newest records changed beside keys, so that they can be taken
//! back.
//!
//! The history already holds what each event replaced. Taking a write back
//! needs no copy of its own: only how far revisions stood before its record.

use std::collections::VecDeque;
use understudy_types::Lsn;

/// Records that can be taken back, at most: 1.3 MB.
pub(crate) const RECORDS_MAX: usize = 32_768;

/// What one record did beside its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) lsn: Lsn,
    pub(crate) revision_before: i64,
    pub(crate) lease: LeaseChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseChange {
    None,
    Granted(i64),
    Revoked { id: i64, ttl_seconds: i64 },
}

/// The newest records, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Undo {
    changes: VecDeque<Change>,
    /// The earliest record after which the state can be had again; `None`:
    /// even the empty state can.
    reach: Option<Lsn>,
}

impl Undo {
    /// A record is going to be applied.
    pub(crate) fn begin(&mut self, lsn: Lsn, revision_before: i64) {
        if self.changes.len() == RECORDS_MAX {
            self.reach = self.changes.pop_front().map(|oldest| oldest.lsn);
        }
        self.changes.push_back(Change {
            lsn,
            revision_before,
            lease: LeaseChange::None,
        });
    }

    /// The record that was begun last changed a lease.
    pub(crate) fn note_lease(&mut self, change: LeaseChange) {
        let newest = self.changes.back_mut();
        newest.expect("a record was begun").lease = change;
    }

    /// The record at `lsn` gave up what taking it back would need.
    pub(crate) fn forget(&mut self, lsn: Lsn) {
        self.changes.clear();
        self.reach = Some(lsn);
    }

    /// As [`Undo::forget`], for the record that was begun last.
    pub(crate) fn forget_begun(&mut self) {
        let newest = self.changes.back();
        self.forget(newest.expect("a record was begun").lsn);
    }

    pub(crate) fn reaches(&self, kept: Lsn) -> bool {
        Some(kept) >= self.reach
    }

    /// The newest record, when it is later than `kept`.
    pub(crate) fn pop_after(&mut self, kept: Lsn) -> Option<Change> {
        self.changes.pop_back_if(|newest| newest.lsn > kept)
    }
}
