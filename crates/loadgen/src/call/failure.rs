use tonic::Code;

/// Why a call gave no result, split by what it says of the call's effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallFailure {
    /// Nothing left this machine, or the server said that it did not look.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The server answered with a status.
    #[error("{}: {message}", code_name(*code))]
    Answered { code: Code, message: String },
    /// The stream ended without an answer; the connection lives.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// The connection ended before the answer.
    #[error("connection lost: {0}")]
    Lost(String),
    #[error("no answer in time")]
    TimedOut,
}

/// What a failed call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    DidNotHappen,
    MayHaveHappened,
}

impl CallFailure {
    pub(crate) fn fate(&self) -> Fate {
        match self {
            CallFailure::NotSent(_) => Fate::DidNotHappen,
            CallFailure::Answered { code, .. } => fate_of_status(*code),
            CallFailure::Unanswered(_) | CallFailure::Lost(_) | CallFailure::TimedOut => {
                Fate::MayHaveHappened
            }
        }
    }

    /// The word under which reports count it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            CallFailure::NotSent(_) => "not_sent",
            CallFailure::Answered { code, .. } => code_name(*code),
            CallFailure::Unanswered(_) => "unanswered",
            CallFailure::Lost(_) => "connection_lost",
            CallFailure::TimedOut => "timed_out",
        }
    }

    /// Whether a new connection is needed.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, CallFailure::NotSent(_) | CallFailure::Lost(_))
    }

    pub(crate) fn from_h2(error: &h2::Error) -> Self {
        let reason = error.to_string();
        if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
            CallFailure::NotSent(reason)
        } else if error.is_io() || error.is_go_away() {
            CallFailure::Lost(reason)
        } else {
            CallFailure::Unanswered(reason)
        }
    }
}

/// These say that the request was looked at and turned down. All others,
/// UNAVAILABLE above all, are also given to writes that were proposed already.
fn fate_of_status(code: Code) -> Fate {
    match code {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => Fate::DidNotHappen,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Fate::MayHaveHappened,
    }
}

pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
