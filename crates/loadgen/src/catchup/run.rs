use super::gap::{Gap, Stages, gap};
use super::metrics::positions;
use super::report::{CatchupReport, Sample};
use super::scrape::{StatusUrl, scrape};
use crate::{LoadError, OutputFormat, Stopwatch, parse_duration};
use clap::Args;
use futures::future::join_all;
use std::io::Write;
use std::time::Duration;

const SCRAPE_TIMEOUT: Duration = Duration::from_secs(2);

/// Measures how fast a standby catches up.
#[derive(Args, Clone, Debug)]
pub struct CatchupOptions {
    /// Metrics of the standby's console; the primary's too for a target that
    /// the standby does not know yet. Repeat it, or separate by commas.
    #[arg(long = "status-url", value_delimiter = ',', required = true)]
    pub status_urls: Vec<StatusUrl>,
    /// Time between two samples.
    #[arg(long, default_value = "500ms", value_parser = parse_duration)]
    pub interval: Duration,
    /// Give up after this time.
    #[arg(long, default_value = "10m", value_parser = parse_duration)]
    pub patience: Duration,
    /// The stage that has to be reached.
    #[arg(long, default_value = "primary_durable")]
    pub target_stage: String,
    /// The stage that has to reach it.
    #[arg(long, default_value = "applied")]
    pub stage: String,
    /// How the report is written; samples are printed with the table only.
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Samples until the standby's position equals the primary's in every shard,
/// or patience ends. Reads only. A console that does not answer makes the
/// position unknown, never equal.
pub async fn run_catchup(
    options: &CatchupOptions,
    out: &mut (dyn Write + Send),
) -> Result<CatchupReport, LoadError> {
    let stopwatch = Stopwatch::start();
    let stages = Stages {
        target: options.target_stage.clone(),
        reached: options.stage.clone(),
    };
    let mut ticks = tokio::time::interval(options.interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut report = CatchupReport::default();
    loop {
        ticks.tick().await;
        let sample = Sample {
            seconds: stopwatch.elapsed().as_secs_f64(),
            gap: sample(options, &stages).await,
        };
        if options.output == OutputFormat::Table {
            writeln!(out, "{}", report.line(&sample))?;
        }
        report.add(sample);
        if report.caught_up() || stopwatch.elapsed() >= options.patience {
            return Ok(report);
        }
    }
}

async fn sample(options: &CatchupOptions, stages: &Stages) -> Option<Gap> {
    let pages = join_all(
        options
            .status_urls
            .iter()
            .map(|url| scrape(url, SCRAPE_TIMEOUT)),
    )
    .await;
    let consoles: Vec<_> = pages
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .ok()?
        .iter()
        .map(|page| positions(page))
        .collect();
    gap(&consoles, stages)
}
