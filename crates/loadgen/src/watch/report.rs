use super::watcher::{End, Watched};
use super::writer::Written;
use crate::bench::Report;
use crate::table::{Table, counts};
use crate::{Latency, LatencySummary, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What all watchers saw of all puts.
#[derive(Clone, Debug, Serialize)]
pub struct WatchReport {
    pub watchers: usize,
    pub writers: usize,
    pub seconds: f64,
    pub puts_acked: u64,
    pub puts_per_second: f64,
    /// Seen for the first time, over all watchers.
    pub events: u64,
    pub events_per_second: f64,
    /// From just before the put to the event.
    pub latency: Option<LatencySummary>,
    /// Acknowledged puts whose event a watcher never got, over all watchers.
    pub gaps: u64,
    /// Events that a watcher had got before.
    pub duplicates: u64,
    /// Events after a later one of the same writer.
    pub disordered: u64,
    /// Watchers that did not get to the last put.
    pub unfinished: usize,
    pub reconnects: u64,
    pub put_errors: BTreeMap<&'static str, u64>,
    pub watch_errors: BTreeMap<&'static str, u64>,
}

impl WatchReport {
    pub(super) fn new(watched: &[Watched], written: &[Written], writing: Duration) -> Self {
        let seconds = writing.as_secs_f64();
        let sum = |of: fn(&Watched) -> u64| watched.iter().map(of).sum::<u64>();
        let puts_acked = written.iter().map(Written::acked).sum();
        let events = sum(|watched| watched.events);
        let mut latency = Latency::default();
        for watched in watched {
            latency.add(&watched.latency);
        }
        WatchReport {
            watchers: watched.len(),
            writers: written.len(),
            seconds,
            puts_acked,
            puts_per_second: puts_acked as f64 / seconds.max(1e-9),
            events,
            events_per_second: events as f64 / seconds.max(1e-9),
            latency: latency.summary(),
            gaps: watched.iter().map(|w| w.tracker.gaps(written)).sum(),
            duplicates: sum(|watched| watched.tracker.duplicates),
            disordered: sum(|watched| watched.tracker.disordered),
            unfinished: watched.iter().filter(|w| w.end == End::GaveUp).count(),
            reconnects: sum(|watched| watched.reconnects),
            put_errors: merged(written.iter().map(|written| &written.errors)),
            watch_errors: merged(watched.iter().map(|watched| &watched.errors)),
        }
    }
}

impl Report for WatchReport {
    /// Passed: something was written, and every watcher got every
    /// acknowledged put once and in order.
    fn verdict(&self) -> Verdict {
        let broken = self.gaps + self.duplicates + self.disordered + self.unfinished as u64;
        if broken == 0 && self.puts_acked > 0 {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }

    fn to_table(&self) -> String {
        let mut table = Table::titled(&format!(
            "watch: {} watchers, {} writers, {:.1} s",
            self.watchers, self.writers, self.seconds
        ));
        let puts = format!(
            "{} ({:.0} per second)",
            self.puts_acked, self.puts_per_second
        );
        table.row("puts", puts);
        let events = format!("{} ({:.0} per second)", self.events, self.events_per_second);
        table.row("events", events);
        table.row(
            "put to event",
            LatencySummary::one_line(self.latency.as_ref()),
        );
        table.row("gaps", self.gaps);
        table.row("duplicates", self.duplicates);
        table.row("out of order", self.disordered);
        table.row("unfinished", self.unfinished);
        table.row("reconnects", self.reconnects);
        table.row("put errors", counts(&self.put_errors));
        table.row("watch errors", counts(&self.watch_errors));
        table.finish()
    }
}

fn merged<'a>(
    parts: impl Iterator<Item = &'a BTreeMap<&'static str, u64>>,
) -> BTreeMap<&'static str, u64> {
    let mut all = BTreeMap::new();
    for (kind, count) in parts.flatten() {
        *all.entry(*kind).or_default() += count;
    }
    all
}
