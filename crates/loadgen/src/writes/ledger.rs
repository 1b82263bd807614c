use super::Pause;
use super::naming::{Attempt, Naming};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a writer was told of one attempt. Every attempt is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Acked {
        revision: i64,
    },
    /// It did not happen.
    Refused,
    /// It may have happened, also later.
    Unknown,
}

/// Every attempt of a run and what its writer was told.
#[derive(Clone, Debug)]
pub struct AckedWrites {
    pub(super) naming: Naming,
    /// By writer, then by number.
    pub(super) told: Vec<Vec<Told>>,
    pub(super) failures: BTreeMap<&'static str, u64>,
    pub(super) connects_failed: u64,
    pub(super) pause: Option<Pause>,
    pub(super) seconds: f64,
}

/// How many attempts ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteCounts {
    pub acked: u64,
    /// Did not happen, by the server's own word.
    pub refused: u64,
    /// May have happened.
    pub unknown: u64,
}

impl AckedWrites {
    pub fn counts(&self) -> WriteCounts {
        let mut counts = WriteCounts::default();
        for told in self.told.iter().flatten() {
            match told {
                Told::Acked { .. } => counts.acked += 1,
                Told::Refused => counts.refused += 1,
                Told::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    /// Failed attempts by kind: a gRPC code, or what happened instead.
    pub fn failures(&self) -> &BTreeMap<&'static str, u64> {
        &self.failures
    }

    /// Connections that could not be opened; no attempt was made on them.
    pub fn connects_failed(&self) -> u64 {
        self.connects_failed
    }

    /// The longest time without an acknowledgement, from the first one to the
    /// end of the run, in seconds; none when nothing was acknowledged.
    pub fn longest_pause_seconds(&self) -> Option<f64> {
        self.pause.map(|pause| pause.seconds)
    }

    /// What all keys of the run start with.
    pub fn prefix(&self) -> &str {
        self.naming.prefix()
    }

    pub(crate) fn pause(&self) -> Option<Pause> {
        self.pause
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    pub(super) fn told(&self, attempt: Attempt) -> Option<Told> {
        let writer = self.told.get(usize::try_from(attempt.writer).ok()?)?;
        writer.get(usize::try_from(attempt.number).ok()?).copied()
    }

    pub(super) fn attempts(&self) -> impl Iterator<Item = (Attempt, Told)> + '_ {
        self.told.iter().zip(0..).flat_map(|(told, writer)| {
            told.iter()
                .zip(0..)
                .map(move |(&told, number)| (Attempt { writer, number }, told))
        })
    }
}
