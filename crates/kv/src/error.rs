//! What can be wrong with a request, in etcd's exact words: clients match on
//! these strings.

/// Why a request was refused. The `Display` text is the message that an etcd
/// client expects; [`KvError::kind`] says which status code goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    #[error("etcdserver: key is not provided")]
    KeyNotProvided,
    /// Also the answer to an empty operation in a txn.
    #[error("etcdserver: key not found")]
    KeyNotFound,
    #[error("etcdserver: value is provided")]
    ValueProvided,
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    #[error("etcdserver: too many operations in txn request")]
    TooManyOps,
    #[error("etcdserver: request is too large")]
    RequestTooLarge,
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    /// The bytes are no command of a format that this version knows.
    #[error("understudy: the record holds no command that this version knows")]
    MalformedCommand,
}

/// The status code of a refusal, in the words of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvErrorKind {
    InvalidArgument,
    OutOfRange,
    NotFound,
    FailedPrecondition,
    Internal,
}

impl KvError {
    pub fn kind(self) -> KvErrorKind {
        match self {
            Self::KeyNotProvided
            | Self::KeyNotFound
            | Self::ValueProvided
            | Self::LeaseProvided
            | Self::DuplicateKey
            | Self::TooManyOps
            | Self::RequestTooLarge => KvErrorKind::InvalidArgument,
            Self::Compacted | Self::FutureRevision | Self::LeaseTtlTooLarge => {
                KvErrorKind::OutOfRange
            }
            Self::LeaseNotFound => KvErrorKind::NotFound,
            Self::LeaseExists => KvErrorKind::FailedPrecondition,
            Self::MalformedCommand => KvErrorKind::Internal,
        }
    }
}
