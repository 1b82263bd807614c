//! `understudy dev`: a store and a pair on this machine, three processes of
//! this binary on loopback, with everything in one directory.

mod children;
mod layout;
mod ports;
mod ready;
mod text;

use crate::exit::Exit;
use crate::format::print;
use crate::init;
use crate::refusal::Refusal;
use crate::signals::Signals;
use crate::store::ClusterStore;
use children::{Child, Pair};
use clap::Args;
use layout::{Layout, Wanted};
use std::path::PathBuf;
use std::time::Duration;
use understudy_log::{Identity, OsDisk, RootError, RootLock};

const STORE_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Starts a development store and two nodes, alpha and bravo, as three
/// processes on loopback. Ctrl-C stops all three; starting again goes on with
/// the same data.
#[derive(Args, Debug)]
pub(crate) struct DevArgs {
    /// Where configuration, data and logs are kept.
    #[arg(long, value_name = "DIR", default_value = "./understudy-dev")]
    dir: PathBuf,
    /// For a new directory: when a write is acknowledged, local (the default)
    /// or replicated.
    #[arg(long, value_name = "POLICY")]
    ack_policy: Option<String>,
    /// For a new directory: the lease's ttl, such as 3s [default: 10s].
    #[arg(long, value_name = "TIME")]
    ttl: Option<String>,
}

pub(crate) async fn dev(args: DevArgs) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let wanted = Wanted {
        ack_policy: args.ack_policy,
        ttl: args.ttl,
    };
    let layout = Layout::open(&args.dir, &wanted)?;
    let _lock = hold(&layout)?;
    ports::check(&layout)?;
    let mut store = Child::store(&layout)?;
    let started = tokio::select! {
        started = start(&layout, &mut store) => started,
        () = signals.next() => Err(anyhow::anyhow!("interrupted")),
    };
    let mut pair = match started {
        Ok(pair) => pair,
        Err(error) => {
            store.stop().await;
            return Err(error);
        }
    };
    let ready = tokio::select! {
        ready = ready::wait(&layout, &mut pair) => ready,
        () = signals.next() => Err(anyhow::anyhow!("interrupted")),
    };
    let outcome = match ready {
        Ok(()) => {
            print(&text::welcome(&layout));
            supervise(&layout, &mut store, &mut pair, &mut signals).await;
            Ok(Exit::Done)
        }
        Err(error) => Err(error),
    };
    pair.stop(&layout).await;
    store.stop().await;
    outcome
}

/// The directory for this process alone, and no node already running in it.
fn hold(layout: &Layout) -> anyhow::Result<RootLock> {
    let lock = RootLock::acquire(&layout.dir).map_err(|error| in_use(layout, &error))?;
    for node in &layout.nodes {
        let data = &node.configuration.settings.data;
        if data.is_dir() {
            // Taken and given back: the node takes it itself.
            RootLock::acquire(data).map_err(|error| in_use(layout, &error))?;
        }
    }
    Ok(lock)
}

fn in_use(layout: &Layout, error: &RootError) -> anyhow::Error {
    match error {
        RootError::Locked { holder } => Refusal::new(
            "E403",
            format!("{} is in use by {holder}", layout.dir.display()),
            "stop that process, or choose another directory with --dir",
        )
        .into(),
        other => anyhow::anyhow!("{}: {other}", layout.dir.display()),
    }
}

/// Store, lease, nodes, in this order.
async fn start(layout: &Layout, store: &mut Child) -> anyhow::Result<Pair> {
    let configuration = &layout.nodes[0].configuration;
    let objects = ClusterStore::connect(&configuration.store).await?;
    let deadline = tokio::time::Instant::now() + STORE_PATIENCE;
    let lease = loop {
        match objects.lease().await {
            Ok(lease) => break lease,
            Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
            Err(_) => store.check_alive()?,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let cluster = match lease {
        Some(lease) => lease.cluster,
        None if layout.has_data() => {
            return Err(Refusal::new(
                "E102",
                format!(
                    "{} has data of nodes, but its store has no lease.json",
                    layout.dir.display()
                ),
                "put the directory's `store` folder back, or begin anew with another --dir",
            )
            .into());
        }
        None => init::found(configuration, &objects, &configuration.settings.node).await?,
    };
    for node in &layout.nodes {
        let data = &node.configuration.settings.data;
        let identity = if data.is_dir() {
            Identity::load(&OsDisk::new(data))?
        } else {
            None
        };
        if let Some(found) = identity.filter(|identity| identity.cluster != cluster) {
            return Err(Refusal::new(
                "E102",
                format!(
                    "{} belongs to cluster {}, the store to {cluster}",
                    data.display(),
                    found.cluster
                ),
                "put back what belongs together, or begin anew with another --dir",
            )
            .into());
        }
    }
    Pair::start(layout)
}

/// Until a signal. A node that ends by itself is reported, and the others go
/// on: that is what a standby is for.
async fn supervise(layout: &Layout, store: &mut Child, pair: &mut Pair, signals: &mut Signals) {
    loop {
        tokio::select! {
            () = signals.next() => return,
            ended = store.ended() => print(&text::store_ended(&ended, store)),
            (index, ended) = pair.any_ended() => {
                print(&text::node_ended(layout, index, &ended));
            }
        }
    }
}
