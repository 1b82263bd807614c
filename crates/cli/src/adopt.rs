//! `understudy store adopt`: the lease of a node that went on without its
//! object store goes into one again.

use crate::acts::keep_act;
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::{OutputFormat, print, print_json};
use crate::log::open_stopped;
use crate::refusal::Refusal;
use crate::settings::OverrideArgs;
use crate::store::ClusterStore;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use understudy_log::Identity;
use understudy_node::stand_in::{self, AdoptError};
use understudy_store::probe;
use understudy_types::Nonce;

/// What to do about the object store itself.
#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Move the lease of a node that went on without its object store into the
    /// one that its configuration names now.
    ///
    /// The node must be stopped. The bucket and prefix must be new, or the
    /// lost store's own when it answers again and this node has fenced it.
    /// Start the node afterwards, then the others with the same store. Asked
    /// again after an interruption it goes on where it was.
    Adopt {
        /// The configuration file of the node that went on.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
        #[command(flatten)]
        over: OverrideArgs,
    },
}

pub(crate) async fn store(args: StoreArgs) -> anyhow::Result<Exit> {
    match args.command {
        StoreCommand::Adopt {
            config,
            output,
            over,
        } => adopt(config, output, over).await,
    }
}

async fn adopt(config: PathBuf, output: OutputFormat, over: OverrideArgs) -> anyhow::Result<Exit> {
    let configuration = over.load(&config)?;
    let data = &configuration.settings.data;
    if !stand_in::is_there(data) {
        return Err(nothing_to_adopt(&configuration.settings.node).into());
    }
    let (_lock, disk, identity) = open_stopped(data)?;
    let target = ClusterStore::connect(&configuration.store).await?;
    let objects = target.objects();
    probe(&*objects, Nonce::from_bytes(entropy()?)).await?;
    let nonce = Nonce::from_bytes(entropy()?);
    let adopted = stand_in::adopt(data, identity.data_id, &*objects, nonce).await;
    let adopted = adopted.map_err(|error| explain(error, &target, &identity))?;
    let (epoch, objects, place) = (adopted.epoch, adopted.objects, target.place());
    let facts = json!({ "store": place, "epoch": epoch, "objects": objects });
    keep_act(&disk, &identity, "store_adopted", facts)?;
    match output {
        OutputFormat::Text => print(&format!(
            "epoch {epoch} and {objects} objects are in {place} now\nnext: start {} again; then the other nodes, with this store in their configuration",
            identity.node
        )),
        OutputFormat::Json => {
            print_json(&json!({ "epoch": epoch, "objects": objects, "place": place }))?;
        }
    }
    Ok(Exit::Done)
}

fn nothing_to_adopt(node: &understudy_types::NodeId) -> Refusal {
    Refusal::new(
        "E324",
        format!("{node} does not go on without its object store, or never took the epoch"),
        "only a node that `understudy failover --without-store` made primary has something to adopt",
    )
}

fn explain(error: AdoptError, target: &ClusterStore, identity: &Identity) -> anyhow::Error {
    let place = target.place();
    match error {
        AdoptError::NothingToAdopt => nothing_to_adopt(&identity.node).into(),
        AdoptError::Occupied { epoch, holder } => Refusal::new(
            "E325",
            format!("{place} has a lease that is not this node's: epoch {epoch}, held by {holder}"),
            "if it is another cluster's, or of before the loss, choose another store.prefix; if a node of this cluster serves there, that one is in force",
        )
        .into(),
        AdoptError::InTheWay { key } => Refusal::new(
            "E324",
            format!("{key} is in {place} already, with other content"),
            "choose a store.prefix that holds nothing",
        )
        .into(),
        other => anyhow::Error::from(other),
    }
}
