use crate::bench::Report;
use crate::table::{Table, counts};
use crate::writes::Pause;
use crate::{AckedWrites, Verdict, Verification, WriteCounts};
use serde::Serialize;
use std::collections::BTreeMap;

/// A run whose last acknowledgement is older than this did not go on.
const SILENT_END_SECONDS: f64 = 1.0;

/// What clients saw of a move, and what is there afterwards.
#[derive(Clone, Debug, Serialize)]
pub struct FailoverReport {
    pub seconds: f64,
    pub counts: WriteCounts,
    /// The longest time in which no write of any writer was acknowledged.
    longest_pause: Option<Pause>,
    /// Failed attempts by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// Connections that could not be opened; no attempt was made on them.
    pub connects_failed: u64,
    pub command: Option<CommandOutcome>,
    pub verification: Verification,
}

/// How the given command ended.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CommandOutcome {
    /// None when a signal ended it.
    pub exit_code: Option<i32>,
    pub seconds: f64,
}

impl FailoverReport {
    pub(super) fn new(
        writes: &AckedWrites,
        command: Option<CommandOutcome>,
        verification: Verification,
    ) -> Self {
        FailoverReport {
            seconds: writes.seconds(),
            counts: writes.counts(),
            longest_pause: writes.pause(),
            failures: writes.failures().clone(),
            connects_failed: writes.connects_failed(),
            command,
            verification,
        }
    }

    pub fn longest_pause_seconds(&self) -> Option<f64> {
        self.longest_pause.map(|pause| pause.seconds)
    }

    /// Whether something was acknowledged, every promise was kept, writes went
    /// on at the end, and the command, if any, succeeded.
    pub fn passed(&self) -> bool {
        let command_succeeded = self
            .command
            .is_none_or(|command| command.exit_code == Some(0));
        let went_on = self
            .longest_pause
            .is_some_and(|pause| pause.ended_by_success || pause.seconds < SILENT_END_SECONDS);
        went_on && command_succeeded && self.verification.passed()
    }

    fn pause_line(&self) -> String {
        let Some(pause) = self.longest_pause else {
            return "nothing was acknowledged".to_owned();
        };
        let end = if pause.ended_by_success {
            ""
        } else {
            ", until the end of the run"
        };
        let milliseconds = pause.seconds * 1e3;
        let from = pause.from_seconds;
        format!("{milliseconds:.1} ms, {from:.3} s after the start{end}")
    }

    fn found_line(&self) -> String {
        let found = &self.verification;
        format!(
            "{} acknowledged as answered, {} unknown present, {} unknown absent",
            found.confirmed, found.unknown_present, found.unknown_absent
        )
    }
}

impl Report for FailoverReport {
    fn verdict(&self) -> Verdict {
        if self.passed() {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }

    fn to_table(&self) -> String {
        let mut table = Table::titled(&format!("failover: {:.1} s of writes", self.seconds));
        table.row("acknowledged", self.counts.acked);
        table.row("unknown", self.counts.unknown);
        table.row("refused", self.counts.refused);
        table.row("failures", counts(&self.failures));
        table.row("longest pause", self.pause_line());
        if let Some(command) = self.command {
            table.row("command", command.line());
        }
        table.row("read back", self.found_line());
        for (name, violation) in self.verification.violations() {
            table.row(name, violation.count);
            for key in &violation.keys {
                table.row("", key);
            }
        }
        table.row("verdict", if self.passed() { "passed" } else { "FAILED" });
        table.finish()
    }
}

impl CommandOutcome {
    fn line(self) -> String {
        let seconds = self.seconds;
        match self.exit_code {
            Some(code) => format!("exit code {code} after {seconds:.2} s"),
            None => format!("ended by a signal after {seconds:.2} s"),
        }
    }
}
