//! Every revision once and in order, or the word that it is compacted.

use super::Violation;
use std::collections::BTreeSet;
use understudy_loadgen::{History, Sighting, WatchedEvent};

pub(super) fn violations(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (watcher, sightings) in history.watched.iter().enumerate() {
        if let Err(what) = compare(sightings, &history.replayed) {
            violations.push(Violation::Watch { watcher, what });
        }
    }
    violations.extend(missing(history));
    violations
}

/// Compares with what is replayed. What a watcher saw before it was told
/// "compacted" may be lost since; it must be in order all the same.
fn compare(sightings: &[Sighting], replayed: &[Sighting]) -> Result<(), String> {
    in_order(sightings)?;
    let (from, seen) = after_compaction(sightings);
    let (replayed_from, there) = after_compaction(replayed);
    let from = from.max(replayed_from);
    let mut seen = seen.into_iter().filter(|event| event.revision >= from);
    let mut there = there.into_iter().filter(|event| event.revision >= from);
    loop {
        match (seen.next(), there.next()) {
            (None, None) => return Ok(()),
            (seen, there) if seen == there => {}
            (seen, there) => return Err(format!("saw {seen:?} where the log has {there:?}")),
        }
    }
}

/// The events after the last word "compacted", and from where they count.
fn after_compaction(sightings: &[Sighting]) -> (i64, Vec<&WatchedEvent>) {
    let mut from = 0;
    let mut events = Vec::new();
    for sighting in sightings {
        match sighting {
            Sighting::Event(event) => events.push(event),
            Sighting::Compacted { revision } => {
                from = *revision;
                events.clear();
            }
        }
    }
    (from, events)
}

fn in_order(sightings: &[Sighting]) -> Result<(), String> {
    let mut last: Option<&WatchedEvent> = None;
    for sighting in sightings {
        match sighting {
            Sighting::Compacted { .. } => last = None,
            Sighting::Event(event) => {
                // One transaction changes each key once.
                let follows =
                    |last: &WatchedEvent| (event.revision, &event.key) > (last.revision, &last.key);
                if !last.is_none_or(follows) {
                    return Err(format!("saw {event:?} after {last:?}"));
                }
                last = Some(event);
            }
        }
    }
    Ok(())
}

/// Every acknowledged change is an event, unless its revision is compacted.
fn missing(history: &History) -> Vec<Violation> {
    let (from, events) = after_compaction(&history.replayed);
    let there: BTreeSet<i64> = events.iter().map(|event| event.revision).collect();
    let operations = history.operations.iter();
    let written = operations.filter(|operation| operation.has_written());
    written
        .filter_map(|operation| Some(operation.answer()?.1.revision()))
        .filter(|revision| *revision >= from && !there.contains(revision))
        .map(|revision| Violation::NotInTheLog { revision })
        .collect()
}
