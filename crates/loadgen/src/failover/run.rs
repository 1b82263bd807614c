use super::report::{CommandOutcome, FailoverReport};
use crate::{
    LoadError, OutputFormat, Recorder, RecorderOptions, Stopwatch, TargetOptions, parse_duration,
};
use clap::Args;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Measures a switchover or a failover as clients see it, and checks every
/// acknowledged write afterwards.
#[derive(Args, Clone, Debug)]
pub struct FailoverOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    /// Writers, spread over the endpoints.
    #[arg(long, default_value_t = 16)]
    pub writers: u32,
    /// Length of a value in bytes; at least its key's.
    #[arg(long, default_value_t = 128)]
    pub value_size: usize,
    /// What every key starts with; the run's own name follows it.
    #[arg(long, default_value = "failover/")]
    pub prefix: String,
    /// Pause of each writer after an acknowledged write.
    #[arg(long, value_parser = parse_duration)]
    pub pace: Option<Duration>,
    /// Shell command that moves the service. Without it: you do, meanwhile.
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// How long to write before the command.
    #[arg(long, default_value = "3s", value_parser = parse_duration)]
    pub before: Duration,
    /// How long to write after the command has ended.
    #[arg(long, default_value = "5s", value_parser = parse_duration)]
    pub after: Duration,
    /// How long to write where no command is given.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub duration: Duration,
    /// How long the reading back may wait for a server.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub patience: Duration,
    /// How the report is written.
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Writes, moves, writes on, reads back. Leaves the run's keys in the store.
pub async fn run_failover(options: &FailoverOptions) -> Result<FailoverReport, LoadError> {
    options.target.check()?;
    let recorder = Recorder::start(&recorder_options(options))?;
    let command = match &options.run {
        Some(command) => {
            tokio::time::sleep(options.before).await;
            let outcome = run_command(command).await?;
            tokio::time::sleep(options.after).await;
            Some(outcome)
        }
        None => {
            tokio::time::sleep(options.duration).await;
            None
        }
    };
    let writes = recorder.stop().await;
    let verification = writes
        .verify(&options.target.endpoints, options.patience)
        .await?;
    Ok(FailoverReport::new(&writes, command, verification))
}

fn recorder_options(options: &FailoverOptions) -> RecorderOptions {
    RecorderOptions {
        endpoints: options.target.endpoints.clone(),
        writers: options.writers,
        prefix: options.prefix.clone(),
        value_size: options.value_size,
        connect_timeout: options.target.connect_timeout,
        call_timeout: options.target.call_timeout,
        pace: options.pace,
    }
}

/// What it prints goes to standard error: standard output is the report's.
async fn run_command(command: &str) -> Result<CommandOutcome, LoadError> {
    let failed = |source| LoadError::Command {
        command: command.to_owned(),
        source,
    };
    let stopwatch = Stopwatch::start();
    let status = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(failed)?;
    Ok(CommandOutcome {
        exit_code: status.code(),
        seconds: stopwatch.elapsed().as_secs_f64(),
    })
}
