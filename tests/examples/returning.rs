//! How long an old primary with 10,000 divergent records takes to follow the
//! new one, with a small state and with a large one.

use clap::Parser;
use rig::returning::{ReturningOptions, run};

#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of keys, one pair each.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000])]
    keys: Vec<u64>,
    #[arg(long, default_value_t = 10_000)]
    divergent: u64,
    #[arg(long, default_value_t = 128)]
    value_size: u32,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    for keys in arguments.keys {
        let options = ReturningOptions {
            keys,
            divergent: arguments.divergent,
            value_size: arguments.value_size,
        };
        println!("{}", run(&options).await);
    }
}
