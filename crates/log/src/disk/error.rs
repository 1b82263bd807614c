use std::io;

/// Did it happen?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It did not happen.
    Determinate,
    /// It may have happened, wholly or in part.
    Indeterminate,
}

/// What the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskErrorKind {
    NotFound,
    AlreadyExists,
    /// There is no space; there may be some later.
    Full,
    /// Anything else that the device or the system says.
    Io,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path:?}: {source}")]
pub struct DiskError {
    pub operation: &'static str,
    /// Relative to the data root.
    pub path: String,
    pub kind: DiskErrorKind,
    pub certainty: Certainty,
    pub source: io::Error,
}

impl DiskError {
    /// An error of a call that changes nothing, or that is known to have
    /// changed nothing.
    pub fn determinate(operation: &'static str, path: &str, source: io::Error) -> Self {
        Self::new(operation, path, Certainty::Determinate, source)
    }

    /// An error of a call that changes something.
    pub fn of_change(operation: &'static str, path: &str, source: io::Error) -> Self {
        let certainty = match kind_of(&source) {
            DiskErrorKind::NotFound | DiskErrorKind::AlreadyExists => Certainty::Determinate,
            DiskErrorKind::Full | DiskErrorKind::Io => Certainty::Indeterminate,
        };
        Self::new(operation, path, certainty, source)
    }

    fn new(op: &'static str, path: &str, certainty: Certainty, source: io::Error) -> Self {
        let kind = kind_of(&source);
        DiskError {
            operation: op,
            path: path.to_owned(),
            kind,
            certainty,
            source,
        }
    }
}

fn kind_of(error: &io::Error) -> DiskErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => DiskErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => DiskErrorKind::AlreadyExists,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskErrorKind::Full,
        _ => DiskErrorKind::Io,
    }
}
