//! Which keys a request means.

use bytes::Bytes;
use std::ops::Bound;

/// A set of neighbouring keys, made from etcd's pair of key and range end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    start: Bytes,
    end: RangeEnd,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RangeEnd {
    SingleKey,
    Unbounded,
    Before(Bytes),
}

impl KeyRange {
    /// `range_end` empty: the one key. A single zero byte: from `key` on.
    /// Anything else: up to and without it.
    pub fn new(key: Bytes, range_end: Bytes) -> Self {
        let end = match range_end.as_ref() {
            [] => RangeEnd::SingleKey,
            [0] => RangeEnd::Unbounded,
            _ => RangeEnd::Before(range_end),
        };
        Self { start: key, end }
    }

    /// Every key.
    pub fn all() -> Self {
        Self {
            start: Bytes::new(),
            end: RangeEnd::Unbounded,
        }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            RangeEnd::SingleKey => key == self.start,
            RangeEnd::Unbounded => key >= &self.start[..],
            RangeEnd::Before(end) => key >= &self.start[..] && key < &end[..],
        }
    }

    /// True when no key can be in it: its end is not behind its start.
    pub fn is_empty(&self) -> bool {
        matches!(&self.end, RangeEnd::Before(end) if *end <= self.start)
    }

    /// Bounds for an ordered map. Only for a range that is not empty.
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let end = match &self.end {
            RangeEnd::SingleKey => Bound::Included(&self.start[..]),
            RangeEnd::Unbounded => Bound::Unbounded,
            RangeEnd::Before(end) => Bound::Excluded(&end[..]),
        };
        (Bound::Included(&self.start[..]), end)
    }
}
