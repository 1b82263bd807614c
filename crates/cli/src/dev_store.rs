//! The development store as a process of its own.

use crate::exit::Exit;
use crate::logging::{LogFormat, begin};
use crate::signals::Signals;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use understudy_devstore::{DevStore, DevStoreConfig};

#[derive(Args, Debug)]
pub(crate) struct DevStoreArgs {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    access_key: String,
    #[arg(long, env = "UNDERSTUDY_DEV_STORE_SECRET_KEY", hide_env_values = true)]
    secret_key: String,
}

pub(crate) async fn dev_store(args: DevStoreArgs) -> anyhow::Result<Exit> {
    begin(LogFormat::Text);
    let mut signals = Signals::listen()?;
    let config = DevStoreConfig::new(args.listen, args.dir, args.access_key, args.secret_key);
    let store = DevStore::bind(config).await?;
    tracing::info!(address = %store.local_addr(), "the development store serves");
    store.serve(async move { signals.next().await }).await;
    Ok(Exit::Done)
}
