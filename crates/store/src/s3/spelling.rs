//! How a store wants an `ETag` spelled back to it.
//!
//! RFC 9110 (8.8.3) has it in quotes. Ceph's gateway compares `If-Match` with
//! the bare mark and answers 412 to a quoted one, and some servers leave the
//! quotes out of their answers. So a mark is quoted on this side, whatever
//! came, and the store shows which spelling it takes by applying a swap.

use crate::ETag;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Quoted,
    Bare,
}

impl Spelling {
    pub(super) fn of(self, etag: &ETag) -> String {
        match self {
            Spelling::Quoted => etag.as_str().to_owned(),
            Spelling::Bare => etag.as_str().trim_matches('"').to_owned(),
        }
    }
}

const UNKNOWN: u8 = 0;
const QUOTED: u8 = 1;
const BARE: u8 = 2;

/// What the store has shown so far; shared by the clones of one client.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned(Arc<AtomicU8>);

impl Learned {
    pub(super) fn get(&self) -> Option<Spelling> {
        match self.0.load(Ordering::Relaxed) {
            QUOTED => Some(Spelling::Quoted),
            BARE => Some(Spelling::Bare),
            _ => None,
        }
    }

    /// Notes that a swap was applied with this spelling. The first one stays.
    pub(super) fn applied(&self, spelling: Spelling) {
        let shown = match spelling {
            Spelling::Quoted => QUOTED,
            Spelling::Bare => BARE,
        };
        // An error says that it is known already.
        let _ = self
            .0
            .compare_exchange(UNKNOWN, shown, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The mark in quotes, however the store spelled it.
pub(super) fn quoted(spelled: &str) -> ETag {
    match spelled.ends_with('"') {
        true => ETag::new(spelled),
        false => ETag::new(format!("\"{spelled}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_with_and_without_quotes_are_equal() {
        assert_eq!(quoted("0123-2"), quoted("\"0123-2\""));
        assert_eq!(quoted("W/\"0\"").as_str(), "W/\"0\"");
        assert_eq!(Spelling::Bare.of(&quoted("\"0123\"")), "0123");
        assert_eq!(Spelling::Quoted.of(&quoted("0123")), "\"0123\"");
    }

    #[test]
    fn first_applied_spelling_stays() {
        let learned = Learned::default();
        assert_eq!(learned.get(), None);
        learned.clone().applied(Spelling::Bare);
        learned.applied(Spelling::Quoted);
        assert_eq!(learned.get(), Some(Spelling::Bare));
    }
}
