use crate::exit::Exit;
use clap::Args;
use understudy_loadgen::{Bench, Verdict};

/// Measures any server that speaks the etcd v3 API, and checks every
/// acknowledgement.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    bench: Bench,
}

pub(crate) async fn bench(args: BenchArgs) -> anyhow::Result<Exit> {
    match args.bench.run(&mut std::io::stdout()).await? {
        Verdict::Passed => Ok(Exit::Done),
        Verdict::Failed => Ok(Exit::Failed),
    }
}
