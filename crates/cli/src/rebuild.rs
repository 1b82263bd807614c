//! `understudy rebuild`: a standby's state, made anew from its own log.

use crate::admin::{self, RebuildFailure};
use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::progress::Progress;
use crate::refusal::Refusal;
use clap::Args;
use serde_json::json;
use understudy_types::ShardName;

/// Makes a standby's state anew from its own log, after which it is compared
/// with the primary's anew. Readers of the standby keep the old state until
/// then, and nothing new is applied meanwhile. Refused on a primary (E404).
#[derive(Args, Debug)]
pub(crate) struct RebuildArgs {
    /// The standby's replication address.
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: String,
    /// Only this shard [default: all].
    #[arg(long, value_name = "NAME")]
    shard: Option<ShardName>,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn rebuild(args: RebuildArgs) -> anyhow::Result<Exit> {
    let progress = Progress::of_time("making the state anew from the log");
    let rebuilt = admin::rebuild_state(&args.endpoint, args.shard.as_ref()).await;
    drop(progress);
    let shards = rebuilt.map_err(|failure| match failure {
        RebuildFailure::Refused(fact) => Refusal::new(
            "E404",
            format!("{}: {fact}", args.endpoint),
            "name the standby; a primary's state is made anew by its restart, after a switchover",
        )
        .into(),
        RebuildFailure::NoAnswer(cause) => anyhow::anyhow!("{}: {cause}", args.endpoint),
    })?;
    match args.output {
        OutputFormat::Json => {
            let shards = shards
                .iter()
                .map(|shard| json!({ "shard": shard.name, "applied": shard.applied }));
            print_json(&json!({ "shards": shards.collect::<Vec<_>>() }))?;
        }
        OutputFormat::Text => {
            for shard in shards {
                let upto = grouped(shard.applied);
                print(&format!("shard {}: made anew up to LSN {upto}", shard.name));
            }
            print(
                "see `understudy status`: it is compared with the primary's at the next heartbeats",
            );
        }
    }
    Ok(Exit::Done)
}
