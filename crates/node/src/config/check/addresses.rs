//! Where things are served, and how others find them.

use super::Checked;
use crate::config::raw;
use crate::settings::{Endpoint, ShardSettings};
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(super) fn endpoint(
    name: &str,
    listen: SocketAddr,
    advertise: Option<String>,
) -> Checked<Endpoint> {
    let advertise = match advertise {
        Some(address) => {
            check_host_and_port(name, &address)?;
            address
        }
        None if listen.ip().is_unspecified() => {
            return Err(format!(
                "{name} listens on every address ({listen}), so others cannot know how to reach it: give its advertise as \"HOST:PORT\""
            ));
        }
        None => listen.to_string(),
    };
    Ok(Endpoint { listen, advertise })
}

pub(super) fn check_host_and_port(name: &str, address: &str) -> Checked<()> {
    let sound = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if sound {
        Ok(())
    } else {
        Err(format!(
            "{name}'s advertise ({address:?}) is not HOST:PORT: write it without scheme and path"
        ))
    }
}

pub(super) fn shards(raw: Vec<raw::Shard>) -> Checked<Vec<ShardSettings>> {
    if raw.is_empty() {
        return Err("there is no [[shard]]: add one, with a name and the address where its clients are served (listen)".to_owned());
    }
    let mut shards: Vec<ShardSettings> = Vec::with_capacity(raw.len());
    for raw::Shard {
        name,
        listen,
        advertise,
    } in raw
    {
        if shards.iter().any(|shard| shard.name == name) {
            return Err(format!("two [[shard]] are named {name:?}: rename one"));
        }
        let clients = endpoint(&format!("shard {name}"), listen, advertise)?;
        shards.push(ShardSettings { name, clients });
    }
    Ok(shards)
}

pub(super) fn check_addresses(
    replication: &Endpoint,
    console: &Endpoint,
    shards: &[ShardSettings],
) -> Checked<()> {
    let named = [
        ("listen.replication".to_owned(), replication),
        ("listen.console".to_owned(), console),
    ];
    let clients = shards
        .iter()
        .map(|shard| (format!("shard {}", shard.name), &shard.clients));
    let mut taken: BTreeMap<SocketAddr, String> = BTreeMap::new();
    for (name, endpoint) in named.into_iter().chain(clients) {
        if endpoint.listen.port() == 0 {
            return Err(format!(
                "{name} listens on port 0, which nobody could find: give a port"
            ));
        }
        if let Some(other) = taken.insert(endpoint.listen, name.clone()) {
            return Err(format!(
                "{other} and {name} both listen on {}: change one",
                endpoint.listen
            ));
        }
    }
    Ok(())
}
