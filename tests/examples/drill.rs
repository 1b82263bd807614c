//! Faults and switchovers of a pair under load; prints what came of them, and
//! fails when an acknowledged write is missing that must not be, when no
//! order of operations explains what clients were told, or when something
//! grows.

use clap::{Parser, ValueEnum};
use rig::RigOptions;
use rig::drill::{DrillOptions, run};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "tests/drill")]
struct Arguments {
    #[arg(long, value_enum, default_value = "both")]
    policy: Policy,
    /// Kills, freezes and switchovers, drawn by chance.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Further rounds until so many histories are whole, about four in each.
    #[arg(long, default_value_t = 0)]
    histories: u32,
    /// Operations of a history.
    #[arg(long, default_value_t = 10_000)]
    operations: u64,
    /// After all rounds: switchovers back and forth on the same processes.
    #[arg(long, default_value_t = 0)]
    switchovers: u32,
    /// Draws the faults and what clients do; 0 takes another one each time.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The lease's ttl, which a failover waits for.
    #[arg(long, default_value = "3s")]
    ttl: String,
    /// Where the primary was killed, says so to the failover; no wait then.
    #[arg(long)]
    fenced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Policy {
    Local,
    Replicated,
    Both,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = match arguments.seed {
        0 => any_seed(),
        seed => seed,
    };
    let pairs = match arguments.policy {
        Policy::Local => vec![RigOptions::local()],
        Policy::Replicated => vec![RigOptions::replicated()],
        Policy::Both => vec![RigOptions::replicated(), RigOptions::local()],
    };
    let mut code = ExitCode::SUCCESS;
    for pair in pairs {
        let policy = pair.policy;
        println!("policy             {policy}\nseed               {seed}");
        let report = run(&options(&arguments, pair, seed)).await;
        println!("{report}\n");
        if !report.is_sound() || (policy == "replicated" && report.missing > 0) {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn any_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    u64::from_le_bytes(bytes)
}

fn options(arguments: &Arguments, pair: RigOptions, seed: u64) -> DrillOptions {
    DrillOptions {
        pair: RigOptions {
            ttl: arguments.ttl.clone(),
            ..pair
        },
        seed,
        rounds: arguments.rounds,
        histories: arguments.histories,
        operations: arguments.operations,
        switchovers: arguments.switchovers,
        fenced_by: arguments.fenced.then(|| "killed with SIGKILL".to_owned()),
    }
}
