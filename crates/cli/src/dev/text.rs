//! The few lines that `understudy dev` prints.

use super::children::{Child, Ending};
use super::layout::{DevNode, Layout};
use std::path::Path;

pub(crate) fn welcome(layout: &Layout) -> String {
    let mut out = format!("store   http://{}\n", layout.store_address);
    for node in &layout.nodes {
        let settings = &node.configuration.settings;
        let clients: Vec<&str> = settings
            .shards
            .iter()
            .map(|shard| shard.clients.advertise.as_str())
            .collect();
        out += &format!(
            "{:<8}clients {}   peer {}   console http://{}/\n",
            node.name,
            clients.join(", "),
            settings.replication.advertise,
            settings.console.advertise
        );
    }
    let dir = shown(&layout.dir);
    out += &format!("in      {dir} (alpha.toml, bravo.toml, logs)\n\nTry, in another terminal:\n");
    out += &format!(
        "  etcdctl --endpoints={} put k v\n",
        clients_of(&layout.nodes[0])
    );
    out += &format!(
        "  etcdctl --endpoints={} get k --consistency=s\n",
        clients_of(&layout.nodes[1])
    );
    out += "  understudy status\n";
    out += &format!(
        "  understudy switchover --to bravo --expect-epoch N{}\n",
        config_flag(layout)
    );
    out += "Ctrl-C stops all three.";
    out
}

fn clients_of(node: &DevNode) -> &str {
    &node.configuration.settings.shards[0].clients.advertise
}

/// Needed only where the default would not find it.
fn config_flag(layout: &Layout) -> String {
    let default = std::path::absolute(crate::settings::DEV_CONFIG).ok();
    let file = &layout.nodes[0].file;
    let canonical = default.and_then(|path| std::fs::canonicalize(path).ok());
    match canonical.as_ref() == Some(file) {
        true => String::new(),
        false => format!(" --config {}", shown(file)),
    }
}

/// Relative to here when that is shorter.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    match here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(relative) => format!("./{}", relative.display()),
        None => path.display().to_string(),
    }
}

pub(crate) fn node_ended(layout: &Layout, index: usize, ending: &Ending) -> String {
    let node = &layout.nodes[index];
    let other = &layout.nodes[1 - index];
    format!(
        "\n{} ended ({ending}); the others go on.\n  see       {}\n  dry run   understudy failover --to {} --expect-epoch N --dry-run{}\n  again     understudy run --config {}",
        node.name,
        shown(&layout.log_file(node.name)),
        other.name,
        config_flag(layout),
        shown(&node.file),
    )
}

pub(crate) fn store_ended(ending: &Ending, store: &Child) -> String {
    format!(
        "\nthe store ended ({ending}): no lease can be renewed, so writes stop at the lease's deadline.\n  see  {}\n  Ctrl-C, then start `understudy dev` again",
        shown(&store.log)
    )
}
