use crate::{DiskError, DiskErrorKind};
use std::fmt;
use understudy_types::{ChainHash, Epoch, Lsn, Position};

/// What a call on the log failed with, split by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The batch does not belong here; nothing was written.
    #[error("the batch is refused: {0}")]
    Refused(#[from] AppendRefusal),
    /// Make space and try again; the log is as it was, and what was refused
    /// is in no log that a recovery can find.
    #[error("the disk is full: {0}")]
    Full(#[source] DiskError),
    /// Exit: what is durable is unknown.
    #[error("a flush failed, the node must stop: {0}")]
    Flush(#[source] DiskError),
    /// An earlier flush or truncation failed; only a restart helps.
    #[error("the log stopped after an earlier failure; restart the node")]
    Poisoned,
    /// Refuse to serve: fetch the log again from elsewhere.
    #[error(transparent)]
    Damaged(#[from] Box<Damage>),
    /// The device or the system failed; the log is as it was.
    #[error(transparent)]
    Disk(DiskError),
    /// The caller named a position that is not the end of a batch here.
    #[error("position {0} is not in this log")]
    UnknownPosition(Position),
    /// A reader stands on records that a truncation has removed.
    #[error("the log was cut below record {0}, which this reader has passed")]
    HistoryChanged(Lsn),
}

impl From<DiskError> for LogError {
    fn from(error: DiskError) -> Self {
        match error.kind {
            DiskErrorKind::Full => LogError::Full(error),
            _ => LogError::Disk(error),
        }
    }
}

impl From<Damage> for LogError {
    fn from(damage: Damage) -> Self {
        LogError::Damaged(Box::new(damage))
    }
}

/// Why a batch does not follow the log's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefusal {
    #[error("it begins with record {found}, expected {expected}")]
    NotContiguous { expected: Lsn, found: Lsn },
    #[error("it follows chain hash {found}, the log's head is {expected}")]
    NotLinked {
        expected: ChainHash,
        found: ChainHash,
    },
    #[error("it is of epoch {found}, the log is already in epoch {last}")]
    OlderEpoch { last: Epoch, found: Epoch },
}

/// Bytes that are not what they must be, and that nobody may repair by
/// guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Relative to the data root.
    pub file: String,
    /// In bytes from the file's beginning.
    pub offset: u64,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage {
            file,
            offset,
            expected,
            found,
        } = self;
        write!(
            f,
            "{file} is damaged at byte {offset}: expected {expected}, found {found}"
        )
    }
}

impl std::error::Error for Damage {}
