use bytes::Bytes;
use std::fmt;

/// The store's mark on one state of an object: opaque bytes in the quotes of
/// RFC 9110, which [`S3Store`](crate::S3Store) adds where a store leaves them
/// out. Two equal marks on one key mean equal bodies; nothing else may be
/// read from it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    pub fn new(spelling: impl Into<String>) -> Self {
        ETag(spelling.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({})", self.0)
    }
}

/// One state of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub etag: ETag,
    pub body: Bytes,
}

/// The answer to a `get`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Found(Object),
    /// The object still has the `ETag` that the caller knows.
    NotModified,
    /// The key holds nothing. A put whose outcome is unknown may still land.
    Absent,
}

/// What must hold at the moment a put is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The key holds nothing (`If-None-Match: *`).
    Absent,
    /// The key holds the object with this `ETag` (`If-Match`).
    Matches(ETag),
}

/// The store's definite word on a put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutAnswer {
    /// Applied and durable; the `ETag` is the new object's.
    Applied(ETag),
    /// The condition did not hold (412, or 404 on `If-Match`). Something on
    /// the way may have sent the request twice and answered for the second
    /// one, so a caller reads back before it believes that it lost.
    Refused,
    /// Not applied by this attempt (409: another operation was under way).
    /// It says nothing about who holds the key: read, then try again.
    Conflict,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub etag: ETag,
    /// Bytes of the body.
    pub size: u64,
}
