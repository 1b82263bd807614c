//! `understudy init`: the lease of a new cluster.

use crate::exit::Exit;
use crate::files::entropy;
use crate::format::{OutputFormat, print, print_json};
use crate::refusal::Refusal;
use crate::settings::OverrideArgs;
use crate::store::{ClusterStore, Written};
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use understudy_node::config::Configuration;
use understudy_protocol::Lease;
use understudy_store::probe;
use understudy_types::{ClusterId, NodeId, Nonce};

/// Founds a cluster: creates `lease.json` under the configured bucket and
/// prefix. Refuses when there is one: a lease is never made twice, because
/// its epochs must never repeat.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The configuration file of any node of the cluster.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The node that may take the first epoch [default: the node of --config].
    #[arg(long, value_name = "NODE")]
    first: Option<NodeId>,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    over: OverrideArgs,
}

pub(crate) async fn init(args: InitArgs) -> anyhow::Result<Exit> {
    let configuration = args.over.load(&args.config)?;
    let first = args
        .first
        .unwrap_or_else(|| configuration.settings.node.clone());
    let store = ClusterStore::connect(&configuration.store).await?;
    probe(&*store.objects(), Nonce::from_bytes(entropy()?)).await?;
    let cluster = found(&configuration, &store, &first).await?;
    let (name, place) = (configuration.settings.cluster_name, store.place());
    match args.output {
        OutputFormat::Text => print(&format!(
            "cluster {name} (id {cluster}) is founded in {place}\nnext: start {first}, then its standby: understudy run --config FILE"
        )),
        OutputFormat::Json => {
            print_json(
                &json!({ "cluster": cluster, "name": name, "place": place, "first": first }),
            )?;
        }
    }
    Ok(Exit::Done)
}

/// Creates the lease; durable on return.
pub(crate) async fn found(
    configuration: &Configuration,
    store: &ClusterStore,
    first: &NodeId,
) -> anyhow::Result<ClusterId> {
    let cluster = ClusterId::from_bytes(entropy()?);
    let name = configuration.settings.cluster_name.clone();
    let lease = Lease::founding(cluster, name, first.clone(), Nonce::from_bytes(entropy()?));
    match store.create_lease(&lease).await? {
        Written::Done => Ok(cluster),
        Written::Lost => {
            let found = store
                .lease()
                .await?
                .context("the lease vanished while it was made")?;
            Err(Refusal::new(
                "E101",
                format!(
                    "{} has a lease already: cluster {:?}, epoch {}",
                    store.place(), found.name, found.epoch
                ),
                "start the nodes with `understudy run`; for another cluster choose another store.prefix",
            )
            .into())
        }
    }
}
