//! How much of a long wire a standby's catch-up fills, by window and
//! compression.

use clap::Parser;
use rig::Shape;
use rig::long_link::{LongLinkOptions, run};
use std::time::Duration;

#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, default_value_t = 80)]
    round_trip_millis: u64,
    #[arg(long, default_value_t = 200)]
    megabits_per_second: u64,
    #[arg(long, value_delimiter = ',', default_values = ["256KiB", "1MiB", "4MiB", "16MiB"])]
    windows: Vec<String>,
    /// Puts of 4 KiB.
    #[arg(long, default_value_t = 20_000)]
    puts: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let round_trip = Duration::from_millis(arguments.round_trip_millis);
    let rate = arguments.megabits_per_second * 1_000_000 / 8;
    for compression in ["none", "zstd"] {
        for window in &arguments.windows {
            let options = LongLinkOptions {
                shape: Shape::of_round_trip(round_trip, rate),
                window: window.clone(),
                compression,
                puts: arguments.puts,
            };
            println!("{}", run(&options).await);
        }
    }
}
