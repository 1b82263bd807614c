//! `--config`, and the flags and variables that lie over the file.

use clap::Args;
use std::path::{Path, PathBuf};
use understudy_node::config::{Configuration, Overrides};

/// Where `understudy dev` keeps alpha's configuration by default.
pub(crate) const DEV_CONFIG: &str = "./understudy-dev/alpha.toml";

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Over the configuration file")]
pub(crate) struct OverrideArgs {
    /// The data root.
    #[arg(
        long,
        env = "UNDERSTUDY_DATA",
        value_name = "DIR",
        hide_env_values = true
    )]
    data: Option<PathBuf>,
    /// When a write is acknowledged: local or replicated.
    #[arg(long, env = "UNDERSTUDY_ACK_POLICY", value_name = "POLICY")]
    ack_policy: Option<String>,
    /// Where replication and admin are served.
    #[arg(
        long,
        env = "UNDERSTUDY_LISTEN_REPLICATION",
        value_name = "ADDRESS:PORT"
    )]
    listen_replication: Option<String>,
    /// Where health, metrics and the status page are served.
    #[arg(long, env = "UNDERSTUDY_LISTEN_CONSOLE", value_name = "ADDRESS:PORT")]
    listen_console: Option<String>,
    /// Where a shard's clients are served.
    #[arg(
        long,
        env = "UNDERSTUDY_LISTEN_CLIENTS",
        value_name = "SHARD=ADDRESS:PORT",
        value_delimiter = ','
    )]
    listen_clients: Vec<String>,
    /// How others reach replication and admin.
    #[arg(
        long,
        env = "UNDERSTUDY_ADVERTISE_REPLICATION",
        value_name = "HOST:PORT"
    )]
    advertise_replication: Option<String>,
    /// How people reach the console.
    #[arg(long, env = "UNDERSTUDY_ADVERTISE_CONSOLE", value_name = "HOST:PORT")]
    advertise_console: Option<String>,
    #[arg(long, env = "UNDERSTUDY_STORE_BUCKET", value_name = "BUCKET")]
    store_bucket: Option<String>,
    #[arg(long, env = "UNDERSTUDY_STORE_PREFIX", value_name = "PREFIX")]
    store_prefix: Option<String>,
    #[arg(long, env = "UNDERSTUDY_STORE_ENDPOINT", value_name = "URL")]
    store_endpoint: Option<String>,
    #[arg(long, env = "UNDERSTUDY_STORE_REGION", value_name = "REGION")]
    store_region: Option<String>,
}

impl OverrideArgs {
    pub(crate) fn load(&self, file: &Path) -> anyhow::Result<Configuration> {
        Ok(Configuration::load(file, &self.overrides())?)
    }

    fn overrides(&self) -> Overrides {
        let args = self.clone();
        Overrides {
            data: args.data,
            ack_policy: args.ack_policy,
            listen_replication: args.listen_replication,
            listen_console: args.listen_console,
            listen_clients: args.listen_clients,
            advertise_replication: args.advertise_replication,
            advertise_console: args.advertise_console,
            store_bucket: args.store_bucket,
            store_prefix: args.store_prefix,
            store_endpoint: args.store_endpoint,
            store_region: args.store_region,
            // Keys are never flags: every user of the machine sees those.
            store_access_key: std::env::var("UNDERSTUDY_STORE_ACCESS_KEY").ok(),
            store_secret_key: std::env::var("UNDERSTUDY_STORE_SECRET_KEY").ok(),
        }
    }
}

/// The configuration of any node of the cluster, for commands that only need
/// to find the store and the nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct AccessArgs {
    /// The configuration file of any node of the cluster.
    #[arg(long, value_name = "FILE", default_value = DEV_CONFIG)]
    pub(crate) config: PathBuf,
    /// A node's replication address, to ask it besides the ones that the
    /// lease and the files beside --config name. May be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) endpoint: Vec<String>,
    #[command(flatten)]
    pub(crate) over: OverrideArgs,
}

impl AccessArgs {
    pub(crate) fn load(&self) -> anyhow::Result<Configuration> {
        self.over.load(&self.config)
    }

    /// Addresses of nodes of this cluster that files beside `--config` name.
    pub(crate) fn neighbours(&self, cluster: &str) -> Vec<String> {
        addresses_beside(&self.config, cluster)
    }
}

/// Replication addresses of nodes of `cluster` that configuration files in
/// `file`'s directory name, `file` itself among them.
pub(crate) fn addresses_beside(file: &Path, cluster: &str) -> Vec<String> {
    let directory = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(directory.unwrap_or(Path::new("."))) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let is_toml = |file: &&PathBuf| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    };
    let found = files
        .iter()
        .filter(is_toml)
        .filter_map(|file| Configuration::load(file, &Overrides::default()).ok());
    found
        .filter(|found| found.settings.cluster_name == cluster)
        .map(|found| found.settings.replication.advertise)
        .collect()
}
