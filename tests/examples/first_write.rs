//! Flag to first durable acknowledged write with the lease free, with few
//! keys and with many; prints both and their ratio.

use clap::Parser;
use rig::first_write::{FirstWriteOptions, run};

#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of keys, one pair each.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000])]
    keys: Vec<u64>,
    #[arg(long, default_value_t = 128)]
    value_size: u32,
    /// Promotions of each pair.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let mut medians = Vec::new();
    for keys in arguments.keys {
        let report = run(&FirstWriteOptions {
            keys,
            value_size: arguments.value_size,
            rounds: arguments.rounds,
        })
        .await;
        println!("{report}");
        medians.extend(report.after_flag.median());
    }
    if let [few, .., many] = medians[..] {
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("median, last : first    {ratio:.2}");
    }
}
