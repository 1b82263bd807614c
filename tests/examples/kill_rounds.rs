//! Many rounds of kill -9 and failover; prints the counts, and fails when an
//! acknowledged write is missing that must not be.

use clap::{Parser, ValueEnum};
use rig::RigOptions;
use rig::rounds::{RoundsOptions, run};
use std::process::ExitCode;

#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, value_enum, default_value = "replicated")]
    policy: Policy,
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// The lease's ttl, which each failover waits for.
    #[arg(long, default_value = "3s")]
    ttl: String,
    /// Tells the failover that the primary is dead, which it is; no wait.
    #[arg(long)]
    fenced: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    Local,
    Replicated,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let pair = match arguments.policy {
        Policy::Local => RigOptions::local(),
        Policy::Replicated => RigOptions::replicated(),
    };
    let options = RoundsOptions {
        pair: RigOptions {
            ttl: arguments.ttl,
            ..pair
        },
        rounds: arguments.rounds,
        fenced_by: arguments.fenced.then(|| "killed with SIGKILL".to_owned()),
    };
    let report = run(&options).await;
    println!("policy             {:?}\n{report}", arguments.policy);
    let may_miss = matches!(arguments.policy, Policy::Local);
    match report.is_sound() && (may_miss || report.missing == 0) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
