//! From the file to settings: defaults, and every relation between values.
//! Each table of the file has a module; they are put together here.

mod addresses;
mod hooks;
mod lease;
mod limits;
mod log;
mod store;
mod stream;
mod verdict;

use super::raw::{self, FailsafeWord, File};
use super::{Configuration, security};
use crate::settings::{PageSettings, Settings};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use understudy_protocol::AckPolicy;
use understudy_protocol::control::Failsafe;
use understudy_types::{ByteCount, ShardName};

const REPLICATION_PORT: u16 = 2390;
const CONSOLE_PORT: u16 = 2391;

type Checked<T> = Result<T, String>;

/// Everything is checked here, and nothing needs to be checked again.
pub(super) fn checked(file: File, directory: &Path) -> Checked<Configuration> {
    check_cluster(&file.cluster)?;
    let timing = lease::timing(&file)?;
    let failover = lease::failover(&file, &timing)?;
    let store = store::store(&file.store, &timing)?;
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let replication = addresses::endpoint(
        "replication",
        file.listen
            .replication
            .unwrap_or(loopback(REPLICATION_PORT)),
        file.advertise.replication,
    )?;
    let console = addresses::endpoint(
        "console",
        file.listen.console.unwrap_or(loopback(CONSOLE_PORT)),
        file.advertise.console,
    )?;
    let shards = addresses::shards(file.shard)?;
    addresses::check_addresses(&replication, &console, &shards)?;
    let log = log::log(&file.log)?;
    let limits = limits::limits(&file.limits, &log)?;
    let stream = stream::stream(&file.stream, &timing, &log)?;
    let verdict = verdict::verdict(&file.verdict, &stream)?;
    let secrets = store::secrets(&file.cluster, &store);
    let hooks = hooks::hooks(file.hooks)?;
    let page = page(file.console, directory)?;
    let tls = security::tls(&file.tls, directory)?;
    let client_tls = security::client_tls(file.client_tls, directory);
    let services = security::Services {
        replication: &replication,
        console: &console,
        shards: &shards,
        tls: tls.as_ref(),
        client_tls: client_tls.as_ref(),
    };
    security::check_relay(&services)?;
    security::check_plaintext(&services, file.tls.plaintext.as_deref().unwrap_or_default())?;
    let settings = Settings {
        cluster_name: file.cluster,
        node: file.node,
        data: directory.join(file.data),
        ack_policy: file.ack_policy.unwrap_or(AckPolicy::Local),
        failover,
        failsafe: match file.failsafe {
            Some(FailsafeWord::On) => Failsafe::On,
            Some(FailsafeWord::Off) | None => Failsafe::Off,
        },
        timing,
        replication,
        console,
        shards,
        log,
        stream,
        limits,
        verdict,
        secrets,
        hooks,
        page,
        tls,
        client_tls,
    };
    Ok(Configuration { settings, store })
}

fn check_cluster(name: &str) -> Checked<()> {
    match name.parse::<ShardName>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cluster: {error}")),
    }
}

fn page(raw: raw::Console, directory: &Path) -> Checked<PageSettings> {
    let peers = raw.peers.unwrap_or_default();
    for address in &peers {
        addresses::check_host_and_port("console.peers", address)?;
    }
    let file = |name: Option<PathBuf>| name.map(|name| directory.join(name));
    Ok(PageSettings {
        peers,
        viewers_file: file(raw.viewers_file),
        operators_file: file(raw.operators_file),
    })
}

fn within(name: &str, value: ByteCount, low: ByteCount, high: ByteCount) -> Checked<()> {
    if value < low || value > high {
        return Err(format!("{name} ({value}) must be between {low} and {high}"));
    }
    Ok(())
}
