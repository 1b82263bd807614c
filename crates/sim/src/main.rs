//! `understudy-sim`: runs seeds, and shows what a failing one did.

use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;
use understudy_sim::{Campaign, Mutation, StopEarly, Summary, Tracing, campaign, run};
use understudy_types::{BootTime, Clock};

#[derive(Debug, Parser)]
#[command(about = "Runs the cluster in simulated time, and checks what must hold at every step")]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Print everything that happens in it.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Break one line on purpose.
    #[arg(long)]
    mutation: Option<Mutation>,
    /// Find every failing seed, not only the first.
    #[arg(long)]
    all: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed, &arguments),
        None => many(&arguments),
    }
}

fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let outcome = run(seed, arguments.mutation, Tracing::On);
    let shown = if arguments.trace {
        outcome.trace.len()
    } else {
        60
    };
    let skipped = outcome.trace.len().saturating_sub(shown);
    if arguments.trace || outcome.violation.is_some() {
        outcome.trace[skipped..]
            .iter()
            .for_each(|line| println!("{line}"));
    }
    println!(
        "fingerprint {:016x} at {} ns",
        outcome.fingerprint.0, outcome.fingerprint.1
    );
    match outcome.violation {
        None => {
            println!("seed {seed} holds every invariant");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!(
                "seed {seed} violates {}: {}",
                violation.invariant, violation.what
            );
            ExitCode::FAILURE
        }
    }
}

fn many(arguments: &Arguments) -> ExitCode {
    let stop_early = if arguments.all {
        StopEarly::Never
    } else {
        StopEarly::AtFirstFailure
    };
    let plan = Campaign {
        from: arguments.from,
        seeds: arguments.seeds,
        mutation: arguments.mutation,
        stop_early,
    };
    let clock = HostClock;
    let begun = clock.now();
    let summary = campaign(plan);
    print_summary(&summary, clock.now().since(begun));
    let Some(first) = summary.failures.first() else {
        return ExitCode::SUCCESS;
    };
    for failure in &summary.failures {
        println!(
            "seed {} violates {}: {}",
            failure.seed, failure.violation.invariant, failure.violation.what
        );
    }
    let outcome = run(first.seed, arguments.mutation, Tracing::On);
    println!("the end of seed {}:", first.seed);
    let skipped = outcome.trace.len().saturating_sub(60);
    outcome.trace[skipped..]
        .iter()
        .for_each(|line| println!("{line}"));
    let mutation = arguments
        .mutation
        .map_or(String::new(), |m| format!(" --mutation {m}"));
    println!(
        "again: cargo run --release -p understudy-sim -- --seed {} --trace{mutation}",
        first.seed
    );
    ExitCode::FAILURE
}

fn print_summary(summary: &Summary, took: Duration) {
    let stats = &summary.stats;
    println!("seeds                {}", summary.seeds);
    println!("steps                {}", stats.steps);
    println!(
        "promotions           {} ({} with a stated loss)",
        stats.promotions, stats.lossy_promotions
    );
    println!("switchovers          {}", stats.switchovers);
    println!("automatic failovers  {}", stats.unasked);
    println!("rested in the store  {}", stats.fallbacks);
    println!("slots drained        {}", stats.drains);
    println!("words given          {}", stats.vouched);
    println!("crashes              {}", stats.crashes);
    println!("tails cut            {}", stats.truncations);
    println!("states diverged      {}", stats.divergences);
    println!(
        "writes               {} acknowledged, {} unknown, {} not accepted",
        stats.acknowledged, stats.unknown, stats.not_accepted
    );
    println!("reads                {}", stats.reads);
    for (kind, count) in &stats.faults {
        println!("fault                {count:>8} {kind}");
    }
    println!(
        "seeds per second     {:.1}",
        summary.seeds as f64 / took.as_secs_f64().max(0.001)
    );
    println!("failures             {}", summary.failures.len());
}

/// The one real clock of this program: it tells how fast the seeds were, and
/// no run ever sees it.
struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> BootTime {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds = uptime
            .split(' ')
            .next()
            .and_then(|text| text.parse::<f64>().ok());
        BootTime::from_nanos((seconds.unwrap_or_default() * 1e9) as u64)
    }

    fn wall_millis(&self) -> u64 {
        0
    }
}
