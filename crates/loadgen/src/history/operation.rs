use std::time::Duration;

/// One of the two keys of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    First,
    Second,
}

impl Key {
    pub const BOTH: [Key; 2] = [Key::First, Key::Second];

    pub fn index(self) -> usize {
        self as usize
    }
}

/// A key's content, as a client was shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Written by one operation only.
    pub value: u64,
    pub mod_revision: i64,
    pub version: i64,
}

/// Both keys of a group; none where there is no such key.
pub type Pair = [Option<Seen>; 2];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Read,
    Put {
        key: Key,
        value: u64,
    },
    Delete {
        key: Key,
    },
    /// Writes both keys where `key` was last changed at `revision` (0: where
    /// it is absent); else reads both.
    Swap {
        key: Key,
        revision: i64,
        value: u64,
    },
}

/// What a client was told. `revision` is that of the answer's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Read {
        revision: i64,
        found: Pair,
    },
    /// Of a put or a delete: what the key held before.
    Replaced {
        revision: i64,
        before: Option<Seen>,
    },
    Swapped {
        revision: i64,
        before: Pair,
    },
    NotSwapped {
        revision: i64,
        found: Pair,
    },
}

impl Answer {
    pub fn revision(&self) -> i64 {
        match self {
            Answer::Read { revision, .. }
            | Answer::Replaced { revision, .. }
            | Answer::Swapped { revision, .. }
            | Answer::NotSwapped { revision, .. } => *revision,
        }
    }
}

/// How an operation ended. One that surely did not happen is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered {
        at: Duration,
        answer: Answer,
    },
    /// It may have happened, also later.
    Unknown,
}

/// One operation. Times are on the run's stopwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub group: usize,
    pub act: Act,
    pub called: Duration,
    pub outcome: Outcome,
}

impl Operation {
    pub fn answer(&self) -> Option<(Duration, &Answer)> {
        match &self.outcome {
            Outcome::Answered { at, answer } => Some((*at, answer)),
            Outcome::Unknown => None,
        }
    }

    /// Whether this made a revision of its own, as its client was told.
    pub fn has_written(&self) -> bool {
        let Some((_, answer)) = self.answer() else {
            return false;
        };
        match (self.act, answer) {
            (Act::Put { .. }, _) | (_, Answer::Swapped { .. }) => true,
            (Act::Delete { .. }, Answer::Replaced { before, .. }) => before.is_some(),
            _ => false,
        }
    }
}
