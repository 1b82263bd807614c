//! The flags of commands that ask all nodes of a pair.

use crate::admin::DEFAULT_ENDPOINTS;
use crate::settings::OverrideArgs;
use clap::Args;
use std::path::PathBuf;

/// Without these flags a pair of `understudy dev` is asked.
#[derive(Args, Debug)]
pub(crate) struct NodesArgs {
    /// A node's replication address; may be repeated
    /// [default: 127.0.0.1:2390 and 127.0.0.1:2490].
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: Vec<String>,
    /// Configuration files of nodes to ask; may be repeated.
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
}

impl NodesArgs {
    /// What the flags name, or the defaults.
    pub(crate) fn addresses(&self) -> anyhow::Result<Vec<String>> {
        let mut addresses = self.endpoint.clone();
        for file in &self.config {
            let configuration = OverrideArgs::default().load(file)?;
            addresses.push(configuration.settings.replication.advertise);
        }
        if addresses.is_empty() {
            addresses.extend(DEFAULT_ENDPOINTS.map(str::to_owned));
        }
        Ok(addresses)
    }
}
