use super::writer::Written;
use std::collections::BTreeSet;

/// What one watcher saw of each writer's puts.
#[derive(Clone, Debug)]
pub(super) struct Tracker {
    writers: Vec<Seen>,
    /// Seen before.
    pub(super) duplicates: u64,
    /// Seen after a later put of the same writer.
    pub(super) disordered: u64,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// One more than the highest number seen.
    next: u64,
    /// Below `next` and not seen yet.
    skipped: BTreeSet<u64>,
}

impl Tracker {
    pub(super) fn new(writers: u32) -> Self {
        Tracker {
            writers: vec![Seen::default(); writers as usize],
            duplicates: 0,
            disordered: 0,
        }
    }

    /// Notes an event; whether it is one of the run's, seen for the first time.
    pub(super) fn note(&mut self, writer: u32, number: u64) -> bool {
        let Some(seen) = self.writers.get_mut(writer as usize) else {
            return false;
        };
        if number >= seen.next {
            seen.skipped.extend(seen.next..number);
            seen.next = number + 1;
            true
        } else if seen.skipped.remove(&number) {
            self.disordered += 1;
            true
        } else {
            self.duplicates += 1;
            false
        }
    }

    /// Acknowledged puts whose event never came.
    pub(super) fn gaps(&self, written: &[Written]) -> u64 {
        self.writers
            .iter()
            .zip(written)
            .map(|(seen, written)| {
                let skipped = seen
                    .skipped
                    .iter()
                    .filter(|number| written.is_acked(**number));
                let never_reached = (seen.next..written.attempts).filter(|n| written.is_acked(*n));
                (skipped.count() + never_reached.count()) as u64
            })
            .sum()
    }
}
