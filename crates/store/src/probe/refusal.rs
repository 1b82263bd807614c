use crate::StoreError;
use std::fmt;

/// What the probe asks of a store, one question each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeCheck {
    Create,
    CreateAgain,
    SwapRight,
    ETagChanges,
    SwapStale,
    SwapAbsent,
    NotModified,
    CreateRace,
    SwapRace,
    Delete,
}

impl ProbeCheck {
    pub const ALL: [ProbeCheck; 10] = [
        ProbeCheck::Create,
        ProbeCheck::CreateAgain,
        ProbeCheck::SwapRight,
        ProbeCheck::ETagChanges,
        ProbeCheck::SwapStale,
        ProbeCheck::SwapAbsent,
        ProbeCheck::NotModified,
        ProbeCheck::CreateRace,
        ProbeCheck::SwapRace,
        ProbeCheck::Delete,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ProbeCheck::Create => "create-if-absent",
            ProbeCheck::CreateAgain => "create-if-absent-twice",
            ProbeCheck::SwapRight => "swap-with-current-etag",
            ProbeCheck::ETagChanges => "etag-changes-with-body",
            ProbeCheck::SwapStale => "swap-with-stale-etag",
            ProbeCheck::SwapAbsent => "swap-of-absent-key",
            ProbeCheck::NotModified => "get-if-changed",
            ProbeCheck::CreateRace => "race-to-create",
            ProbeCheck::SwapRace => "race-to-swap",
            ProbeCheck::Delete => "delete",
        }
    }

    pub(super) fn expected(self) -> &'static str {
        match self {
            ProbeCheck::Create => "a put with If-None-Match: * on an absent key is applied",
            ProbeCheck::CreateAgain => {
                "a put with If-None-Match: * on an existing key is refused and changes nothing"
            }
            ProbeCheck::SwapRight => "a put with If-Match of the current ETag is applied",
            ProbeCheck::ETagChanges => "another body has another ETag, the same to put and to get",
            ProbeCheck::SwapStale => {
                "a put with If-Match of an older ETag is refused and changes nothing"
            }
            ProbeCheck::SwapAbsent => "a put with If-Match on an absent key creates nothing",
            ProbeCheck::NotModified => {
                "a get with If-None-Match answers 304 for the current ETag only"
            }
            ProbeCheck::CreateRace => {
                "of eight simultaneous creates exactly one is applied, and read back"
            }
            ProbeCheck::SwapRace => {
                "of eight simultaneous puts with one ETag exactly one is applied, and read back"
            }
            ProbeCheck::Delete => "a deleted key is absent",
        }
    }
}

impl fmt::Display for ProbeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The checks that the store passed, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    pub checks: Vec<ProbeCheck>,
}

/// Why the store may not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeRefusal {
    /// The store did what would break the lease: never use it like this.
    #[error(
        "E106 the object store failed the check {check}: expected that {}; seen: {seen}. \
         Two nodes could both hold the lease on such a store. Use one with atomic conditional \
         writes (for example AWS S3), and a bucket without versioning; if this is one, look for \
         a proxy or cache on the way",
        check.expected()
    )]
    Unfit { check: ProbeCheck, seen: String },
    /// The question was not answered: nothing is known. Try again.
    #[error("E106 the object store could not be checked, at {check}: {error}")]
    Unanswered {
        check: ProbeCheck,
        error: StoreError,
    },
}

impl ProbeRefusal {
    pub const ID: &'static str = "E106";

    pub fn check(&self) -> ProbeCheck {
        match self {
            ProbeRefusal::Unfit { check, .. } | ProbeRefusal::Unanswered { check, .. } => *check,
        }
    }
}
