use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub line: String,
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Panics with everything said when the code is another.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Answer {
        assert_eq!(self.code, Some(code), "{}", self.told());
        self
    }

    #[track_caller]
    pub fn expect_said(self, text: &str) -> Answer {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "{text:?} is missing: {}",
            self.told()
        );
        self
    }

    fn told(&self) -> String {
        format!(
            "`{}` ended with {:?}\n{}\n{}",
            self.line, self.code, self.stdout, self.stderr
        )
    }
}

/// Runs a command to its end, without input.
pub async fn run(command: std::process::Command) -> Answer {
    let line = format!("{command:?}");
    let mut command = Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: the end of {line}"))
        .unwrap_or_else(|error| panic!("cannot run {line}: {error}"));
    Answer {
        line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
