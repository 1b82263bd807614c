//! What has to be looked at outside of this process, within a time limit.

use crate::settings::{Endpoint, Settings};
use futures::future::join_all;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// As found at one moment.
#[derive(Clone, Debug)]
pub(in crate::node) struct Surroundings {
    /// What this process may use, in bytes: the control group's limit, or the
    /// machine's memory.
    pub(in crate::node) memory_limit: Option<u64>,
    pub(in crate::node) addresses: Vec<Address>,
}

#[derive(Clone, Debug)]
pub(in crate::node) struct Address {
    pub(super) name: String,
    /// Why nobody could reach this node there.
    pub(super) failure: Option<String>,
}

impl Surroundings {
    /// What takes longer than `limit` has failed.
    pub(in crate::node) async fn look(settings: &Settings, limit: Duration) -> Surroundings {
        let shards = settings.shards.iter();
        let services = shards.map(|shard| (format!("shard {}", shard.name), &shard.clients));
        let replication = ("replication".to_owned(), &settings.replication);
        let services = services.chain([replication]);
        let addresses = services.map(|(name, endpoint)| async move {
            let failure = match tokio::time::timeout(limit, reach(endpoint)).await {
                Ok(result) => result.err(),
                Err(_) => Some(format!("not found out within {limit:?}")),
            };
            Address { name, failure }
        });
        Surroundings {
            memory_limit: memory_limit(),
            addresses: join_all(addresses).await,
        }
    }
}

async fn reach(endpoint: &Endpoint) -> Result<(), String> {
    let (bound, resolved) = tokio::join!(bound(endpoint.listen), resolves(&endpoint.advertise));
    bound.and(resolved)
}

/// Somebody listens there (this process, which would not run otherwise), or
/// it could.
async fn bound(listen: SocketAddr) -> Result<(), String> {
    if TcpStream::connect(listen).await.is_ok() {
        return Ok(());
    }
    let bindable = TcpListener::bind(listen).await;
    bindable
        .map(drop)
        .map_err(|error| format!("{listen} is neither served nor free: {error}"))
}

async fn resolves(advertise: &str) -> Result<(), String> {
    let found = tokio::net::lookup_host(advertise).await;
    let mut found = found.map_err(|error| format!("{advertise} does not resolve: {error}"))?;
    match found.next() {
        Some(_) => Ok(()),
        None => Err(format!("{advertise} resolves to nothing")),
    }
}

/// The smaller one of the control group's limit and the machine's memory.
fn memory_limit() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = machine.lines().find_map(|line| {
        let kib = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        kib.trim().parse::<u64>().ok()?.checked_mul(1024)
    })?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    Some(group.map_or(machine, |group| group.min(machine)))
}
