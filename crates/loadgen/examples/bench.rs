//! The load generator on its own, for servers of any kind.

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use understudy_loadgen::{Bench, Verdict};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let verdict = arguments.bench.run(&mut std::io::stdout()).await?;
    Ok(match verdict {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed => ExitCode::FAILURE,
    })
}
