//! What the screen shows: the last answers, and one shard over time.

use super::keys::Deed;
use super::screen::Size;
use crate::colour::Tone;
use crate::format::{grouped, span};
use crate::status::{self, PairReport};
use std::collections::VecDeque;
use understudy_node::status::{ShardStatus, Status};
use understudy_types::{BootTime, ByteCount, NodeId, ShardName, lsn_value};

/// Samples that a line of bars can show at most.
const KEPT_MAX: usize = 300;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One shard of one node at one moment.
#[derive(Clone, Debug)]
struct Sample {
    at: BootTime,
    node: NodeId,
    shard: ShardName,
    flushed: u64,
    /// Records that are not applied; `None` while that is unknown.
    behind: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct View {
    report: PairReport,
    heard: Option<BootTime>,
    samples: VecDeque<Sample>,
    node: usize,
    shard: usize,
    paused: bool,
}

impl View {
    pub(super) fn new() -> View {
        View::default()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn note(&mut self, report: PairReport, now: BootTime) {
        for status in report.statuses() {
            for (name, shard) in &status.shards {
                self.samples.push_back(sample(status, name, shard, now));
            }
        }
        let rows: usize = report.statuses().map(|status| status.shards.len()).sum();
        while self.samples.len() > KEPT_MAX * rows.max(1) {
            self.samples.pop_front();
        }
        self.report = report;
        self.heard = Some(now);
    }

    pub(super) fn obey(&mut self, deed: Deed) {
        let nodes = self.report.statuses().count().max(1);
        let shards = self.chosen().map_or(1, |status| status.shards.len().max(1));
        match deed {
            Deed::End => {}
            Deed::Pause => self.paused = !self.paused,
            Deed::NextNode => self.node = (self.node + 1) % nodes,
            Deed::PreviousNode => self.node = (self.node + nodes - 1) % nodes,
            Deed::NextShard => self.shard = (self.shard + 1) % shards,
            Deed::PreviousShard => self.shard = (self.shard + shards - 1) % shards,
        }
    }

    fn chosen(&self) -> Option<&Status> {
        let statuses: Vec<_> = self.report.statuses().collect();
        statuses
            .get(self.node.min(statuses.len().checked_sub(1)?))
            .copied()
    }

    pub(super) fn lines(&self, size: Size, now: BootTime) -> Vec<(Tone, String)> {
        let mut lines = vec![(Tone::Soft, self.first(now))];
        match self.heard {
            None => lines.push((Tone::Warn, "asking …".to_owned())),
            Some(_) => {
                let text = status::render(&self.report);
                lines.extend(text.lines().map(|line| (Tone::of(line), line.to_owned())));
                lines.push((Tone::Plain, String::new()));
                lines.extend(self.detail(size));
            }
        }
        lines
    }

    fn first(&self, now: BootTime) -> String {
        let age = self.heard.map_or("nothing heard yet".to_owned(), |heard| {
            format!("as of {} ago", span(now.since(heard).as_secs_f64()))
        });
        let paused = if self.paused { "   PAUSED" } else { "" };
        format!("understudy top   {age}{paused}   q quits  ←→ node  ↑↓ shard  p pauses")
    }

    fn detail(&self, size: Size) -> Vec<(Tone, String)> {
        let Some(status) = self.chosen() else {
            return Vec::new();
        };
        let index = self.shard.min(status.shards.len().saturating_sub(1));
        let Some((name, shard)) = status.shards.iter().nth(index) else {
            return Vec::new();
        };
        let own: Vec<&Sample> = self
            .samples
            .iter()
            .filter(|sample| sample.node == status.node && sample.shard == *name)
            .collect();
        let mut lines = vec![(Tone::Head, format!("▶ {} / {name}", status.node))];
        lines.push((Tone::Plain, figures(status, shard)));
        let rate = |of: fn(&Sample) -> Option<u64>| rate(&own, of);
        let written = rate(|sample| Some(sample.flushed));
        let written = written.map_or("unknown".to_owned(), |rate| {
            format!("{} rec/s", grouped(rate.max(0.0) as u64))
        });
        lines.push((Tone::Plain, format!("  throughput  {written}")));
        if shard.lag.is_some() {
            lines.push(lag_line(&own, rate(|sample| sample.behind)));
            let width = size.columns.saturating_sub(14).min(KEPT_MAX);
            lines.push((Tone::Plain, format!("  behind      {}", bars(&own, width))));
        }
        lines
    }
}

fn sample(status: &Status, name: &ShardName, shard: &ShardStatus, at: BootTime) -> Sample {
    let lag = shard.lag.as_ref().filter(|lag| lag.known);
    Sample {
        at,
        node: status.node.clone(),
        shard: name.clone(),
        flushed: lsn_value(shard.flushed.map(|position| position.lsn)),
        behind: lag.map(|lag| lag.records_applied),
    }
}

fn figures(status: &Status, shard: &ShardStatus) -> String {
    let flush = shard.flush.map_or("unknown".to_owned(), |flush| {
        format!(
            "p50 {}  p99 {}",
            span(flush.p50_seconds),
            span(flush.p99_seconds)
        )
    });
    let free = status
        .disk_free_bytes
        .map_or("unknown".to_owned(), |bytes| ByteCount(bytes).to_string());
    format!(
        "  flush {flush}   log {}   state {}   disk free {free}",
        ByteCount(shard.flushed_bytes),
        ByteCount(shard.state_memory_bytes)
    )
}

/// Per second, over the last samples that know it.
fn rate(samples: &[&Sample], of: fn(&Sample) -> Option<u64>) -> Option<f64> {
    let last = samples.last()?;
    let recent = samples
        .iter()
        .rev()
        .take(10)
        .take_while(|sample| of(sample).is_some());
    let first = recent.last()?;
    let seconds = last.at.since(first.at).as_secs_f64();
    (seconds > 0.0)
        .then(|| (of(last).unwrap_or(0) as f64 - of(first).unwrap_or(0) as f64) / seconds)
}

/// A lag that shrinks says when it will be gone.
fn lag_line(samples: &[&Sample], change: Option<f64>) -> (Tone, String) {
    let behind = samples.last().and_then(|sample| sample.behind);
    match (behind, change) {
        (None, _) => (
            Tone::Bad,
            "  catch-up    UNKNOWN while the primary is not heard".to_owned(),
        ),
        (Some(0), _) => (Tone::Good, "  catch-up    done: all is applied".to_owned()),
        (Some(left), Some(change)) if change < -1.0 => {
            let text = format!(
                "  catch-up    {} records left, {} rec/s, about {}",
                grouped(left),
                grouped(-change as u64),
                span(left as f64 / -change)
            );
            (Tone::Warn, text)
        }
        (Some(left), _) => (
            Tone::Warn,
            format!(
                "  catch-up    {} records left, not shrinking",
                grouped(left)
            ),
        ),
    }
}

/// The records behind over time, the newest at the right; `?` is unknown.
fn bars(samples: &[&Sample], width: usize) -> String {
    let shown = &samples[samples.len().saturating_sub(width)..];
    let most = shown
        .iter()
        .filter_map(|sample| sample.behind)
        .max()
        .unwrap_or(0)
        .max(1);
    let bar = |sample: &&Sample| match sample.behind {
        None => '?',
        Some(behind) => BARS[(behind * (BARS.len() as u64 - 1)).div_ceil(most) as usize],
    };
    shown.iter().map(bar).collect()
}
