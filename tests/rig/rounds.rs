//! kill -9 of the primary under load, failover, comparison, return; again
//! and again, the roles changing with each round.

use crate::writers::SampledWriters;
use crate::{Rig, RigOptions, Side, until};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

const WRITERS: usize = 4;
const WRITES_BEFORE_KILL: u64 = 150;
const WRITES_AFTER: u64 = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// What to repeat.
#[derive(Clone, Debug)]
pub struct RoundsOptions {
    pub pair: RigOptions,
    pub rounds: u32,
    /// Given as `--fenced-by`, which skips the wait; the process was killed.
    pub fenced_by: Option<String>,
}

/// What all rounds gave.
#[derive(Clone, Debug, Default)]
pub struct RoundsReport {
    pub rounds: u32,
    pub kills: u32,
    pub acknowledged: u64,
    pub missing: u64,
    pub doubled: u64,
    pub otherwise_wrong: u64,
    /// Rounds in which something older than the stated bound was missing.
    pub beyond_bound: u32,
    /// Rounds whose bound was stated as unknown.
    pub unknown_bounds: u32,
    bounds: Vec<Duration>,
    first_acks: Vec<Duration>,
}

/// Runs all rounds on one pair. Panics when a round cannot be completed.
pub async fn run(options: &RoundsOptions) -> RoundsReport {
    let mut rig = Rig::start(options.pair.clone()).await;
    let mut report = RoundsReport::default();
    let mut primary = Side::Alpha;
    for _ in 0..options.rounds {
        round(&mut rig, options, primary, &mut report).await;
        primary = primary.other();
    }
    report
}

async fn round(rig: &mut Rig, options: &RoundsOptions, primary: Side, report: &mut RoundsReport) {
    let standby = primary.other();
    let writers = SampledWriters::start(rig, primary, WRITERS);
    wait_for_more(&writers, WRITES_BEFORE_KILL).await;
    let epoch = rig.epoch().await;

    rig.kill_node(primary);
    let (killed, acked_before) = (Instant::now(), writers.acked());
    let stated = Instant::now();
    let bound = loss_bound(rig, standby, epoch).await;
    let mut more = vec!["--reason", "a round of kill -9"];
    if bound != Some(Duration::ZERO) {
        more.extend(["--accept-loss", "unknown"]);
    }
    if let Some(evidence) = &options.fenced_by {
        more.extend(["--fenced-by", evidence]);
    }
    rig.failover(standby, epoch, &more).await.expect_code(0);
    // Under `replicated` nobody acknowledges alone.
    rig.start_node(primary);
    wait_for_more(&writers, WRITES_AFTER).await;

    let written = writers.stop().await;
    let findings = written.compare(rig, standby, stated).await;
    report.rounds += 1;
    report.kills += 1;
    report.acknowledged += findings.acknowledged;
    report.missing += findings.missing;
    report.doubled += findings.doubled;
    report.otherwise_wrong += findings.otherwise_wrong;
    let is_beyond = |bound| findings.oldest_missing.is_some_and(|age| age > bound);
    report.beyond_bound += u32::from(bound.is_some_and(is_beyond));
    report.unknown_bounds += u32::from(bound.is_none());
    report.bounds.extend(bound);
    let first = written.more_than(acked_before, killed);
    let first = first.expect("a write was acknowledged after the failover");
    report.first_acks.push(first - killed);
    rig.wait_for_standby(primary).await;
}

/// Until `count` more writes are acknowledged.
pub async fn wait_for_more(writers: &SampledWriters, count: u64) {
    let wanted = writers.acked() + count;
    until("more writes are acknowledged", PATIENCE, || async {
        (writers.acked() >= wanted).then_some(())
    })
    .await;
}

/// How old the oldest acknowledgement is at most that the verdict gives up;
/// none when that is unknown.
pub async fn loss_bound(rig: &Rig, to: Side, epoch: u64) -> Option<Duration> {
    let (epoch, endpoint) = (epoch.to_string(), rig.replication(to).to_string());
    let line = ["check", "--for", "failover", "--to", to.name()];
    let rest = [
        "--expect-epoch",
        &epoch,
        "--endpoint",
        &endpoint,
        "-o",
        "json",
    ];
    let answer = rig.command(&[&line[..], &rest[..]].concat()).await;
    let verdict: Value = serde_json::from_str(&answer.stdout)
        .unwrap_or_else(|error| panic!("no verdict ({error}): {answer:?}"));
    let bound = &verdict["loss_bound"];
    let within = &bound["recent"]["within"];
    match (within["secs"].as_u64(), within["nanos"].as_u64()) {
        (Some(seconds), Some(nanos)) => {
            let nanos = u32::try_from(nanos).expect("nanoseconds of a second");
            Some(Duration::new(seconds, nanos))
        }
        _ if bound == "nothing" => Some(Duration::ZERO),
        _ if bound == "unknown" => None,
        _ => panic!("no bound in {verdict}"),
    }
}

impl RoundsReport {
    /// Nothing twice, nothing else wrong, and nothing missing but what was
    /// stated before.
    pub fn is_sound(&self) -> bool {
        self.doubled == 0 && self.otherwise_wrong == 0 && self.beyond_bound == 0
    }
}

impl fmt::Display for RoundsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rounds             {}", self.rounds)?;
        writeln!(f, "kills              {}", self.kills)?;
        writeln!(f, "acknowledged       {}", self.acknowledged)?;
        writeln!(f, "missing            {}", self.missing)?;
        writeln!(f, "  beyond the bound {} rounds", self.beyond_bound)?;
        writeln!(f, "  bound unknown    {} rounds", self.unknown_bounds)?;
        writeln!(f, "doubled            {}", self.doubled)?;
        writeln!(f, "otherwise wrong    {}", self.otherwise_wrong)?;
        writeln!(f, "bound              {}", Spread(&self.bounds))?;
        write!(f, "kill to first ack  {}", Spread(&self.first_acks))
    }
}

pub(crate) struct Spread<'a>(pub(crate) &'a [Duration]);

impl fmt::Display for Spread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.to_vec();
        sorted.sort();
        match (sorted.get(sorted.len() / 2), sorted.last()) {
            (Some(median), Some(longest)) => {
                let (median, longest) = (median.as_secs_f64(), longest.as_secs_f64());
                write!(f, "p50 {median:.4} s, max {longest:.4} s")
            }
            _ => f.write_str("none"),
        }
    }
}
