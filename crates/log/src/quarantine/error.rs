use crate::{Damage, DiskError, LogError};

#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// There was no batch to keep.
    #[error("there is no batch to put into quarantine")]
    Nothing,
    /// The tail could not be read from the log.
    #[error("the tail cannot be read: {0}")]
    Tail(#[from] LogError),
    /// A batch does not follow the one before it.
    #[error("the batch that begins with record {first_lsn} does not follow the one before it")]
    Unlinked { first_lsn: understudy_types::Lsn },
    /// The reason does not fit into the header block; shorten it.
    #[error("the notice is {found} bytes long, {limit} are allowed")]
    NoticeTooLong { limit: usize, found: usize },
    #[error(
        "{file} has format {found}, this build supports {supported}: \
         run the version of understudy that wrote it"
    )]
    Format {
        file: String,
        found: u32,
        supported: u32,
    },
    /// Move that file aside, then store again.
    #[error("{file} exists and holds something else: move it aside first")]
    Conflict { file: String },
    /// A quarantine file is not what it was. Move it aside before the same
    /// tail is stored again.
    #[error(transparent)]
    Damaged(#[from] Damage),
    #[error(transparent)]
    Disk(#[from] DiskError),
}
