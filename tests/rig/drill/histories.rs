//! The histories that run beside the rounds, one after the other.

use super::Drill;
use crate::history::{Violation, violations};
use crate::{PATIENCE, Rig, Side, endpoints};
use std::time::Duration;
use understudy_loadgen::{History, HistoryOptions, HistoryRecorder};

/// Two cores have to serve what these ask.
const PACE: Duration = Duration::from_millis(2);

const FAULTS_PER_HISTORY: u64 = 4;

/// The history that is under way, if one is.
#[derive(Debug)]
pub(super) struct Histories {
    seed: u64,
    begun: u64,
    operations: u64,
    current: Option<HistoryRecorder>,
}

impl Histories {
    pub(super) fn new(seed: u64, operations: u64) -> Histories {
        Histories {
            seed,
            begun: 0,
            operations,
            current: None,
        }
    }

    /// Begins one, unless one is under way.
    pub(super) async fn begin(&mut self, rig: &Rig, primary: Side) {
        if self.current.is_some() {
            return;
        }
        let seed = self.seed.wrapping_add(self.begun);
        self.begun += 1;
        let sides = [primary, primary.other()];
        let options = HistoryOptions {
            pace: Some(PACE),
            ..HistoryOptions::new(endpoints(rig, &sides), seed)
        };
        let recorder = HistoryRecorder::start(options, PATIENCE).await;
        self.current = Some(recorder.expect("the primary answers"));
    }

    /// Waits for a part of the one under way, so that it has a few faults and
    /// not dozens.
    pub(super) async fn advance(&self) {
        let current = self.current.as_ref().expect("one is under way");
        let wanted = current.answered() + self.operations / FAULTS_PER_HISTORY;
        let advanced = current.wait_for_answered(wanted, PATIENCE).await;
        assert!(advanced, "not within {PATIENCE:?}: {wanted} operations");
    }

    /// Now, on the stopwatch of the one under way.
    pub(super) fn now(&self) -> Option<Duration> {
        self.current.as_ref().map(HistoryRecorder::now)
    }

    pub(super) fn is_long_enough(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.answered() >= self.operations)
    }

    async fn end(&mut self) -> Option<History> {
        let recorder = self.current.take()?;
        let history = recorder.stop(PATIENCE).await;
        Some(history.expect("the pair serves"))
    }
}

impl Drill {
    /// Ends and judges the history under way. Nothing of it stays.
    pub(super) async fn end_history(&mut self) {
        if let Some(history) = self.histories.end().await {
            self.judge(&history);
            self.forget_all().await;
        }
    }

    /// The same where acknowledged writes may be lost from `moment` on: what
    /// came later stands on another past.
    pub(super) async fn end_history_at(&mut self, moment: Duration) {
        if let Some(history) = self.histories.end().await {
            self.judge(&history.until(moment));
            self.forget_all().await;
        }
    }

    fn judge(&mut self, history: &History) {
        self.report.histories += 1;
        self.report.operations += history.answered() as u64;
        self.report.unknown_operations += history.unknown() as u64;
        let broken: Vec<Violation> = violations(history);
        for violation in &broken {
            eprintln!("history {}: {violation}", self.histories.begun);
        }
        self.report.violations += broken.len() as u64;
    }

    /// Removes all keys and their past, so that the next history begins with
    /// as much memory as this one did.
    async fn forget_all(&self) {
        let deleted = self
            .rig
            .etcdctl(self.primary, &["del", "--prefix", ""])
            .await;
        deleted.expect_code(0);
        let line = ["get", "none", "--write-out=json"];
        let answer = self.rig.etcdctl(self.primary, &line).await.expect_code(0);
        let answer: serde_json::Value =
            serde_json::from_str(&answer.stdout).expect("an answer in JSON");
        let revision = answer["header"]["revision"].to_string();
        let line = ["compaction", &revision];
        let compacted = self.rig.etcdctl(self.primary, &line).await;
        compacted.expect_code(0);
    }
}
