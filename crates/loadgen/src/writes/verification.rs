use super::ledger::{AckedWrites, Told};
use super::naming::Attempt;
use serde::Serialize;
use std::collections::HashMap;
use understudy_wire::etcd::mvccpb::KeyValue;

/// How many keys of each kind of violation a report names.
const EXAMPLES_MAX: usize = 20;

/// What a server has of a run's writes, beside what it had acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Acknowledged, and there exactly as acknowledged.
    pub confirmed: u64,
    /// Unknown to their writers, and there: once, with the right value.
    pub unknown_present: u64,
    pub unknown_absent: u64,
    /// Acknowledged and not there.
    pub missing: Violation,
    /// There at another version than 1: applied more than once.
    pub doubled: Violation,
    /// There with another value.
    pub altered: Violation,
    /// Acknowledged at another revision than it is found at.
    pub moved: Violation,
    /// Refused and there all the same.
    pub refused_present: Violation,
    /// Under the run's prefix, though no writer wrote it.
    pub foreign: Violation,
}

/// Keys that broke one promise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub count: u64,
    /// The first of them.
    pub keys: Vec<String>,
}

impl Violation {
    fn note(&mut self, key: &[u8]) {
        self.count += 1;
        if self.keys.len() < EXAMPLES_MAX {
            self.keys.push(String::from_utf8_lossy(key).into_owned());
        }
    }
}

impl Verification {
    /// Whether every promise was kept.
    pub fn passed(&self) -> bool {
        self.violations().all(|(_, violation)| violation.count == 0)
    }

    /// Each kind of violation with its name, also those without keys.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &Violation)> {
        // Listed without `..`: a new field has to be sorted in here.
        let Verification {
            confirmed: _,
            unknown_present: _,
            unknown_absent: _,
            missing,
            doubled,
            altered,
            moved,
            refused_present,
            foreign,
        } = self;
        [
            ("missing", missing),
            ("doubled", doubled),
            ("altered", altered),
            ("moved", moved),
            ("refused, present", refused_present),
            ("foreign", foreign),
        ]
        .into_iter()
    }

    /// Compares a ledger with all that is found under its prefix.
    pub(super) fn of(writes: &AckedWrites, found: &[KeyValue]) -> Self {
        let mut verification = Verification::default();
        let mut by_attempt = HashMap::with_capacity(found.len());
        for entry in found {
            match writes.naming.attempt(&entry.key) {
                Some(attempt) if writes.told(attempt).is_some() => {
                    by_attempt.insert(attempt, entry);
                }
                _ => verification.foreign.note(&entry.key),
            }
        }
        for (attempt, told) in writes.attempts() {
            match by_attempt.get(&attempt) {
                Some(entry) => verification.judge_present(writes, (attempt, told), entry),
                None => verification.judge_absent(writes, attempt, told),
            }
        }
        verification
    }

    fn judge_absent(&mut self, writes: &AckedWrites, attempt: Attempt, told: Told) {
        match told {
            Told::Acked { .. } => self.missing.note(&writes.naming.key(attempt)),
            Told::Unknown => self.unknown_absent += 1,
            Told::Refused => {}
        }
    }

    fn judge_present(
        &mut self,
        writes: &AckedWrites,
        (attempt, told): (Attempt, Told),
        entry: &KeyValue,
    ) {
        if entry.version != 1 {
            self.doubled.note(&entry.key);
        } else if entry.value != writes.naming.value(attempt) {
            self.altered.note(&entry.key);
        } else {
            match told {
                Told::Acked { revision } if revision == entry.mod_revision => self.confirmed += 1,
                Told::Acked { .. } => self.moved.note(&entry.key),
                Told::Unknown => self.unknown_present += 1,
                Told::Refused => self.refused_present.note(&entry.key),
            }
        }
    }
}
