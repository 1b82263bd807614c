use crate::Lsn;
use std::fmt;

/// 256 bits that stand for a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateDigest(pub [u8; 32]);

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateDigest({self})")
    }
}

/// The state after everything up to `lsn`, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateAt {
    pub lsn: Lsn,
    pub digest: StateDigest,
}
