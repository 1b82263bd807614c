//! What is in the directory of `understudy dev`.

use crate::files;
use crate::refusal::Refusal;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use understudy_node::config::{Configuration, Overrides};
use understudy_protocol::AckPolicy;

pub(crate) const CLUSTER: &str = "dev";
pub(crate) const ACCESS_KEY: &str = "understudy";
pub(crate) const SECRET_KEY: &str = "understudy-dev";
const STORE_PORT: u16 = 2370;

/// Name, client port; replication and console are 11 and 12 above.
const NODES: [(&str, u16); 2] = [("alpha", 2379), ("bravo", 2479)];

/// What the flags say about a new directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) ack_policy: Option<String>,
    pub(crate) ttl: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Layout {
    /// Absolute.
    pub(crate) dir: PathBuf,
    pub(crate) store_address: SocketAddr,
    /// alpha, then bravo.
    pub(crate) nodes: Vec<DevNode>,
}

#[derive(Debug)]
pub(crate) struct DevNode {
    pub(crate) name: &'static str,
    pub(crate) file: PathBuf,
    pub(crate) configuration: Configuration,
}

impl Layout {
    /// Makes the directory with its configuration files, or reads those that
    /// are there. Durable on return.
    pub(crate) fn open(dir: &Path, wanted: &Wanted) -> anyhow::Result<Layout> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let dir = std::fs::canonicalize(dir)?;
        let present = NODES.map(|(name, _)| dir.join(format!("{name}.toml")).is_file());
        let is_new = match present {
            [true, true] => false,
            [false, false] if is_unused(&dir)? => true,
            _ => return Err(not_ours(&dir).into()),
        };
        if is_new {
            for (name, port) in NODES {
                let text = file_text(name, port, wanted);
                // A wrong flag is refused before anything is written.
                Configuration::parse(&text, &dir.join("new.toml"), &Overrides::default())?;
                files::replace(&dir, &format!("{name}.toml"), text.as_bytes())?;
            }
        }
        let layout = Self::read(&dir)?;
        if !is_new {
            layout.check_wanted(wanted)?;
        }
        Ok(layout)
    }

    fn read(dir: &Path) -> anyhow::Result<Layout> {
        let mut nodes = Vec::new();
        for (name, _) in NODES {
            let file = dir.join(format!("{name}.toml"));
            let configuration = Configuration::load(&file, &Overrides::default())?;
            let settings = &configuration.settings;
            if settings.cluster_name != CLUSTER || settings.node.as_str() != name {
                return Err(Refusal::new(
                    "E102",
                    format!(
                        "{} is for node {} of cluster {:?}, not for {name} of {CLUSTER:?}",
                        file.display(), settings.node, settings.cluster_name
                    ),
                    "choose another directory with --dir, or run that node with `understudy run --config`",
                )
                .into());
            }
            nodes.push(DevNode {
                name,
                file,
                configuration,
            });
        }
        let store_address = store_address(&nodes[0])?;
        Ok(Layout {
            dir: dir.to_owned(),
            store_address,
            nodes,
        })
    }

    /// Flags are for new directories; files that are there win.
    fn check_wanted(&self, wanted: &Wanted) -> Result<(), Refusal> {
        let settings = &self.nodes[0].configuration.settings;
        let policy = match settings.ack_policy {
            AckPolicy::Local => "local",
            AckPolicy::Replicated => "replicated",
        };
        let differs = |what: &str, has: String, asked: &str| {
            Refusal::new(
                "E104",
                format!(
                    "{} has {what} = {has}, you ask for {asked}",
                    self.dir.display()
                ),
                format!("edit {what} in alpha.toml and bravo.toml, or choose a new --dir"),
            )
        };
        if let Some(asked) = wanted
            .ack_policy
            .as_deref()
            .filter(|asked| *asked != policy)
        {
            return Err(differs("ack_policy", policy.to_owned(), asked));
        }
        if let Some(asked) = &wanted.ttl
            && understudy_node::config::parse_duration(asked) != Ok(settings.timing.ttl)
        {
            return Err(differs(
                "lease.ttl",
                format!("{:?}", settings.timing.ttl),
                asked,
            ));
        }
        Ok(())
    }

    /// Whether a node has ever run here.
    pub(crate) fn has_data(&self) -> bool {
        self.nodes.iter().any(|node| {
            node.configuration
                .settings
                .data
                .join("identity.json")
                .exists()
        })
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub(crate) fn log_file(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }
}

fn is_unused(dir: &Path) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir(dir)? {
        // A lock or a half-written file of an interrupted first start.
        let name = entry?.file_name();
        if name != "lock" && !name.to_string_lossy().ends_with(".toml.tmp") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_ours(dir: &Path) -> Refusal {
    Refusal::new(
        "E103",
        format!(
            "{} is not empty, and not a directory of `understudy dev`",
            dir.display()
        ),
        "choose an empty or a new directory with --dir",
    )
}

fn store_address(node: &DevNode) -> anyhow::Result<SocketAddr> {
    let endpoint = node
        .configuration
        .store
        .endpoint
        .as_deref()
        .unwrap_or_default();
    endpoint
        .strip_prefix("http://")
        .unwrap_or(endpoint)
        .parse()
        .with_context(|| {
            format!(
                "{}: store.endpoint must be http://ADDRESS:PORT for `understudy dev`",
                node.file.display()
            )
        })
}

fn file_text(name: &str, port: u16, wanted: &Wanted) -> String {
    let policy = wanted.ack_policy.as_deref().unwrap_or("local");
    let ttl = wanted.ttl.as_deref().unwrap_or("10s");
    format!(
        "# One node of a pair for development, made by `understudy dev`.\n\
         # docs/configuration.md lists every field.\n\
         cluster = \"{CLUSTER}\"\nnode = \"{name}\"\ndata = \"{name}\"\nack_policy = {policy:?}\n\n\
         [store]\nbucket = \"understudy\"\nprefix = \"{CLUSTER}\"\nendpoint = \"http://127.0.0.1:{STORE_PORT}\"\n\
         region = \"us-east-1\"\npath_style = true\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\n\n\
         [listen]\nreplication = \"127.0.0.1:{}\"\nconsole = \"127.0.0.1:{}\"\n\n\
         [[shard]]\nname = \"main\"\nlisten = \"127.0.0.1:{port}\"\n\n\
         [lease]\nttl = {ttl:?}\n",
        port + 11,
        port + 12,
    )
}

#[cfg(test)]
mod tests {
    use super::{Layout, Wanted};

    #[test]
    fn new_directory_gets_two_files_that_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = Wanted {
            ack_policy: Some("replicated".into()),
            ttl: Some("3s".into()),
        };
        let layout = Layout::open(dir.path(), &wanted).unwrap();
        let bravo = &layout.nodes[1].configuration.settings;
        assert_eq!(bravo.replication.advertise, "127.0.0.1:2490");
        assert_eq!(bravo.console.advertise, "127.0.0.1:2491");
        assert_eq!(bravo.shards[0].clients.advertise, "127.0.0.1:2479");
        Layout::open(dir.path(), &Wanted::default()).unwrap();
        let other = Wanted {
            ack_policy: Some("local".into()),
            ttl: None,
        };
        let error = Layout::open(dir.path(), &other).unwrap_err().to_string();
        assert!(error.contains("has ack_policy = replicated"), "{error}");
    }

    #[test]
    fn wrong_flag_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = Wanted {
            ack_policy: Some("most".into()),
            ttl: None,
        };
        assert!(Layout::open(dir.path(), &wanted).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn directory_of_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("photos")).unwrap();
        let error = Layout::open(dir.path(), &Wanted::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("E103"), "{error}");
    }

    #[test]
    fn directory_of_another_cluster_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Layout::open(dir.path(), &Wanted::default()).unwrap();
        let file = dir.path().join("alpha.toml");
        let text = std::fs::read_to_string(&file)
            .unwrap()
            .replace("cluster = \"dev\"", "cluster = \"prod\"");
        crate::files::replace(dir.path(), "alpha.toml", text.as_bytes()).unwrap();
        let error = Layout::open(dir.path(), &Wanted::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("E102"), "{error}");
    }
}
