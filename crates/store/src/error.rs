use std::fmt;

/// Why the store gave no answer, split by what the caller may conclude.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// This attempt did not happen and will not. It says nothing about an
    /// earlier attempt whose outcome is unknown.
    #[error("{0}")]
    Determinate(StoreFault),
    /// This attempt may have happened, or may happen later. Read back before
    /// anything rests on it.
    #[error("{0}")]
    Indeterminate(StoreFault),
}

impl StoreError {
    pub(crate) fn determinate(kind: FaultKind, detail: impl Into<String>) -> Self {
        StoreError::Determinate(StoreFault::new(kind, detail))
    }

    pub(crate) fn indeterminate(kind: FaultKind, detail: impl Into<String>) -> Self {
        StoreError::Indeterminate(StoreFault::new(kind, detail))
    }

    /// With the place that it was asked of in front of what was seen.
    pub(crate) fn at(self, place: &str) -> Self {
        let at = |fault: StoreFault| StoreFault {
            detail: format!("{place}: {}", fault.detail),
            ..fault
        };
        match self {
            StoreError::Determinate(fault) => StoreError::Determinate(at(fault)),
            StoreError::Indeterminate(fault) => StoreError::Indeterminate(at(fault)),
        }
    }

    pub fn fault(&self) -> &StoreFault {
        match self {
            StoreError::Determinate(fault) | StoreError::Indeterminate(fault) => fault,
        }
    }

    pub fn kind(&self) -> FaultKind {
        self.fault().kind
    }

    /// Whether the attempt may have happened.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, StoreError::Indeterminate(_))
    }
}

/// What went wrong, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFault {
    pub kind: FaultKind,
    /// What was seen, in the store's or the network's own words.
    pub detail: String,
}

impl StoreFault {
    fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        StoreFault {
            kind,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {}",
            self.kind.fact(),
            self.detail,
            self.kind.cure()
        )
    }
}

/// The faults that an operator treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The access key is unknown, the signature does not verify, or the
    /// session token has expired.
    WrongCredentials,
    /// No credentials were found anywhere.
    NoCredentials,
    AccessDenied,
    NoSuchBucket,
    WrongRegion,
    ClockSkew,
    /// No connection was made: nothing was sent.
    Unreachable,
    /// The store does not know this operation.
    NotSupported,
    /// The store understood the request and will never do it.
    Rejected,
    /// No answer within the attempt's time.
    TimedOut,
    /// The connection broke after it stood.
    ConnectionLost,
    /// The store answered 5xx, or 429.
    StoreFailed,
    /// The answer could not be read, or lacks what it must hold.
    UnreadableAnswer,
}

impl FaultKind {
    /// Whether it may pass without anybody changing a setting.
    pub fn is_outage(self) -> bool {
        matches!(
            self,
            FaultKind::Unreachable
                | FaultKind::TimedOut
                | FaultKind::ConnectionLost
                | FaultKind::StoreFailed
        )
    }

    /// What is the case, as half a sentence.
    pub fn fact(self) -> &'static str {
        match self {
            FaultKind::WrongCredentials => "the store does not accept the credentials",
            FaultKind::NoCredentials => "no credentials for the store were found",
            FaultKind::AccessDenied => "the credentials lack a permission",
            FaultKind::NoSuchBucket => "the bucket does not exist",
            FaultKind::WrongRegion => "the bucket is in another region",
            FaultKind::ClockSkew => "this machine's clock and the store's are too far apart",
            FaultKind::Unreachable => "the endpoint cannot be reached",
            FaultKind::NotSupported => "the store does not support the operation",
            FaultKind::Rejected => "the store rejected the request",
            FaultKind::TimedOut => "the store did not answer in time",
            FaultKind::ConnectionLost => "the connection to the store broke",
            FaultKind::StoreFailed => "the store reported a failure of its own",
            FaultKind::UnreadableAnswer => "the store's answer cannot be understood",
        }
    }

    /// What a person can do about it, as the other half.
    pub fn cure(self) -> &'static str {
        match self {
            FaultKind::WrongCredentials => {
                "check the access key and the secret key, or renew the session"
            }
            FaultKind::NoCredentials => {
                "give an access key and a secret key in the configuration or in \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with an instance or pod role"
            }
            FaultKind::AccessDenied => {
                "allow s3:GetObject, s3:PutObject and s3:DeleteObject on the prefix, \
                 and s3:ListBucket on the bucket"
            }
            FaultKind::NoSuchBucket => "create the bucket, or correct its name or the endpoint",
            FaultKind::WrongRegion => "set the region to the bucket's own",
            FaultKind::ClockSkew => {
                "set this machine's clock (NTP), because requests carry a signed date"
            }
            FaultKind::Unreachable => {
                "check that it runs, its host and port, DNS, routes and firewalls"
            }
            FaultKind::NotSupported => "use a store that supports conditional writes on S3 objects",
            FaultKind::Rejected => "check the bucket, the prefix and the bucket's policies",
            FaultKind::TimedOut | FaultKind::ConnectionLost => {
                "check the network and the store's health"
            }
            FaultKind::StoreFailed => "check the store's health",
            FaultKind::UnreadableAnswer => "check that the endpoint is an S3 store and no proxy",
        }
    }
}
