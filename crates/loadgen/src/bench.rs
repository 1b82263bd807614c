use crate::{
    CatchupOptions, FailoverOptions, GetOptions, LoadCourse, LoadError, LoadOptions, OutputFormat,
    PutOptions, WatchOptions, run_catchup, run_failover, run_get, run_put, run_watch,
};
use clap::Subcommand;
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// The measurements, each with its options.
#[derive(Subcommand, Clone, Debug)]
pub enum Bench {
    /// Writes as many keys as the servers take.
    Put(PutOptions),
    /// Reads as many keys as the servers give.
    Get(GetOptions),
    /// Measures the time from a put to its event at every watcher.
    Watch(WatchOptions),
    /// Writes through a move of the service and checks every acknowledgement.
    Failover(FailoverOptions),
    /// Watches a standby catch up with its primary.
    Catchup(CatchupOptions),
}

/// What a measurement means for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
}

/// What all reports can do.
pub(crate) trait Report: Serialize {
    fn verdict(&self) -> Verdict;
    fn to_table(&self) -> String;
}

/// What is known of a measurement's end.
#[derive(Clone, Debug)]
pub enum Prospect {
    Calls(LoadCourse),
    Lasting(Duration),
    /// It writes lines of its own meanwhile.
    TellsItself,
    Unknown,
}

impl Bench {
    pub fn prospect(&self) -> Prospect {
        let of_load = |load: &LoadOptions| match load.count {
            Some(_) => Prospect::Calls(load.course.clone()),
            None => Prospect::Lasting(load.warm_up + load.duration),
        };
        match self {
            Bench::Put(options) => of_load(&options.load),
            Bench::Get(options) => of_load(&options.load),
            Bench::Watch(options) => Prospect::Lasting(options.duration),
            Bench::Failover(_) => Prospect::Unknown,
            Bench::Catchup(_) => Prospect::TellsItself,
        }
    }

    /// Runs to the end and writes the report to `out`. Cancelling leaves what
    /// was written until then in the store.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> Result<Verdict, LoadError> {
        match self {
            Bench::Put(options) => write(out, options.output, &run_put(options).await?),
            Bench::Get(options) => write(out, options.output, &run_get(options).await?),
            Bench::Watch(options) => write(out, options.output, &run_watch(options).await?),
            Bench::Failover(options) => write(out, options.output, &run_failover(options).await?),
            Bench::Catchup(options) => {
                let report = run_catchup(options, out).await?;
                write(out, options.output, &report)
            }
        }
    }
}

fn write(
    out: &mut (dyn Write + Send),
    format: OutputFormat,
    report: &impl Report,
) -> Result<Verdict, LoadError> {
    match format {
        OutputFormat::Table => out.write_all(report.to_table().as_bytes())?,
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, report).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(report.verdict())
}
