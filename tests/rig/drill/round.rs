//! One round: load, a fault, a promotion, a comparison, a return.

use super::{Drill, Fault};
use crate::writers::{SampledWriters, SampledWrites};
use crate::{PATIENCE, Rig, Side, Signal, load_on, until, verified};
use rand::Rng;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use understudy_loadgen::Recorder;

const WRITERS: usize = 4;
const WRITES_AFTER: u64 = 20;
/// What a primary acknowledges alone, if it does.
const WRITES_ALONE: u64 = 60;
/// A primary that acknowledges nothing alone is believed after as long: its
/// standby's time-out, a write of the lease, and as much again.
const ALONE_FOR: Duration = Duration::from_secs(5);

impl Drill {
    pub(super) async fn round(&mut self, fault: Fault) {
        self.histories.begin(&self.rig, self.primary).await;
        if self.options.histories > 0 {
            self.histories.advance().await;
        }
        match fault {
            Fault::Kill => self.kill().await,
            Fault::KillAlone => self.kill_alone().await,
            Fault::Freeze => self.freeze().await,
            Fault::Switchover => self.switch_over().await,
        }
        self.report.rounds += 1;
        if self.histories.is_long_enough() {
            self.end_history().await;
        }
    }

    async fn kill(&mut self) {
        let writers = self.write_for_a_while().await;
        let (primary, epoch) = (self.primary, self.rig.epoch().await);
        let moment = self.histories.now();
        self.rig.kill_node(primary);
        self.report.kills += 1;
        let fenced = self.options.fenced_by.clone();
        self.take_over(&writers, epoch, fenced).await;
        self.rig.start_node(primary);
        self.compare(writers, moment).await;
    }

    async fn kill_alone(&mut self) {
        let writers = self.write_for_a_while().await;
        let (primary, epoch) = (self.primary, self.rig.epoch().await);
        let standby = primary.other();
        self.rig.kill_node(standby);
        let before = writers.acked();
        let alone = wait_until(&writers, before + WRITES_ALONE);
        // Whether it acknowledges alone is its own affair: what it does
        // acknowledge must be there afterwards.
        let _ = tokio::time::timeout(ALONE_FOR, alone).await;
        self.report.acknowledged_alone += writers.acked() - before;
        let moment = self.histories.now();
        self.rig.kill_node(primary);
        self.report.kills += 2;
        self.report.kills_alone += 1;
        self.rig.start_node(standby);
        until("the standby knows the lease", PATIENCE, || async {
            let status = self.rig.status(standby).await?;
            status["lease"]["epoch"].as_u64()
        })
        .await;
        let fenced = self.options.fenced_by.clone();
        self.take_over(&writers, epoch, fenced).await;
        self.rig.start_node(primary);
        self.compare(writers, moment).await;
    }

    async fn freeze(&mut self) {
        let writers = self.write_for_a_while().await;
        let (primary, epoch) = (self.primary, self.rig.epoch().await);
        let moment = self.histories.now();
        self.rig.node(primary).signal(Signal::STOP);
        self.report.freezes += 1;
        // It is not dead, so nobody may say so.
        self.take_over(&writers, epoch, None).await;
        self.rig.node(primary).signal(Signal::CONT);
        self.compare(writers, moment).await;
    }

    async fn write_for_a_while(&mut self) -> SampledWriters {
        let writers = SampledWriters::start(&self.rig, self.primary, WRITERS);
        let count = self.chance.random_range(30..250);
        wait_for_more(&writers, count).await;
        writers
    }

    /// The operator's part: looks at the bound, accepts it, fails over.
    async fn take_over(&mut self, writers: &SampledWriters, epoch: u64, fenced: Option<String>) {
        let began = Instant::now();
        let standby = self.primary.other();
        let bound = loss_bound(&self.rig, standby, epoch).await;
        let mut more = vec!["--reason", "a round of the drill"];
        if bound != Some(Duration::ZERO) {
            more.extend(["--accept-loss", "unknown"]);
        }
        if let Some(evidence) = &fenced {
            more.extend(["--fenced-by", evidence]);
        }
        let (asked, acked) = (Instant::now(), writers.acked());
        let done = self.rig.failover(standby, epoch, &more).await;
        done.expect_code(0);
        self.primary = standby;
        self.report.note_bound(bound);
        self.report.current.stated = Some((began, bound));
        self.report.current.asked = Some((asked, acked, fenced.is_some()));
    }

    /// Until the pair is whole again; what was acknowledged is looked for.
    async fn compare(&mut self, writers: SampledWriters, moment: Option<Duration>) {
        wait_for_more(&writers, WRITES_AFTER).await;
        let written = writers.stop().await;
        self.judge_writes(&written).await;
        self.rig.wait_for_standby(self.primary.other()).await;
        let may_lose = self.options.pair.policy == "local";
        if let (true, Some(moment)) = (may_lose, moment) {
            self.end_history_at(moment).await;
        }
    }

    async fn judge_writes(&mut self, written: &SampledWrites) {
        let current = std::mem::take(&mut self.report.current);
        let (stated, bound) = current.stated.expect("a bound was asked for");
        let (asked, acked, fenced) = current.asked.expect("a failover was asked for");
        let findings = written.compare(&self.rig, self.primary, stated).await;
        let first = written.more_than(acked, asked);
        let first = first.expect("a write was acknowledged after the failover");
        match fenced {
            true => self.report.rto.add(first - asked),
            false => self.report.rto_with_wait.add(first - asked),
        }
        self.report.note_findings(&findings, bound);
    }

    pub(super) async fn switch_over(&mut self) {
        let load = load_on(&self.rig, &[self.primary, self.primary.other()]);
        let recorder = Recorder::start(&load).expect("a recorder");
        let count = self.chance.random_range(20..80);
        assert!(recorder.wait_for_acked(count, PATIENCE).await);
        let (to, epoch) = (self.primary.other(), self.rig.epoch().await);
        self.rig.switchover(to, epoch).await.expect_code(0);
        self.primary = to;
        assert!(recorder.wait_for_acked(WRITES_AFTER, PATIENCE).await);
        let writes = recorder.stop().await;
        let pause = writes.longest_pause_seconds().expect("writes");
        self.report.switchovers += 1;
        self.report.pause.add(Duration::from_secs_f64(pause));
        let found = verified(&self.rig, &writes, to).await;
        self.report.acknowledged += writes.counts().acked;
        self.report.note_switched(&found);
        self.rig.wait_for_standby(to.other()).await;
    }
}

/// Until `count` more writes are acknowledged.
pub async fn wait_for_more(writers: &SampledWriters, count: u64) {
    let wanted = writers.acked() + count;
    until("more writes are acknowledged", PATIENCE, || async {
        (writers.acked() >= wanted).then_some(())
    })
    .await;
}

async fn wait_until(writers: &SampledWriters, wanted: u64) {
    until("they are acknowledged", PATIENCE, || async {
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
