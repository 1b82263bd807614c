use crate::ChainHash;
use serde::{Deserialize, Serialize};
use std::{fmt, num::NonZeroU64};

/// Ordinal of a record in a shard's log: 1, 2, 3 … without gaps. The absence
/// of a record is `Option::None`, never zero. Every watermark is inclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lsn(NonZeroU64);

impl Lsn {
    pub const FIRST: Lsn = Lsn(NonZeroU64::MIN);

    pub const fn new(value: u64) -> Option<Lsn> {
        match NonZeroU64::new(value) {
            Some(value) => Some(Lsn(value)),
            None => None,
        }
    }

    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The Lsn `count` records further on.
    pub fn plus(self, count: u64) -> Lsn {
        Lsn(self.0.checked_add(count).expect("an Lsn never overflows"))
    }

    /// The first Lsn of a log whose last record is `last`.
    pub fn after(last: Option<Lsn>) -> Lsn {
        last.map_or(Lsn::FIRST, |last| last.plus(1))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lsn({})", self.0)
    }
}

/// How many records a log holds up to a watermark: the wire and the metrics
/// count with it, where "none" and zero records are the same number.
pub fn lsn_value(lsn: Option<Lsn>) -> u64 {
    lsn.map_or(0, Lsn::get)
}

/// The fencing token: plus one for every acquisition of the lease, never
/// reused. Epoch 0 is the founding: the lease as `init` made it, which
/// nobody has held and in which no batch can exist.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    pub const FOUNDING: Epoch = Epoch(0);

    pub const fn new(value: u64) -> Epoch {
        Epoch(value)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    pub fn next(self) -> Epoch {
        Epoch(self.0.checked_add(1).expect("an epoch never overflows"))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A batch's end in a shard's log. Two logs that hold an equal position have
/// equal histories up to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The last record of the batch, inclusive.
    pub lsn: Lsn,
    pub hash: ChainHash,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.lsn, self.hash.short())
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({self})")
    }
}
