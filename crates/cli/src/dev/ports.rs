//! Every port is looked at before anything starts.

use super::layout::Layout;
use crate::refusal::Refusal;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

/// Refuses when a port is in use, and names it. Somebody may still take it
/// between this look and the start; then the process itself says so.
pub(crate) fn check(layout: &Layout) -> Result<(), Refusal> {
    let mut wanted = vec![("the store".to_owned(), layout.store_address)];
    for node in &layout.nodes {
        let settings = &node.configuration.settings;
        for shard in &settings.shards {
            wanted.push((format!("{}'s clients", node.name), shard.clients.listen));
        }
        wanted.push((
            format!("{}'s replication", node.name),
            settings.replication.listen,
        ));
        wanted.push((format!("{}'s console", node.name), settings.console.listen));
    }
    wanted
        .iter()
        .try_for_each(|(what, address)| check_one(what, *address))
}

fn check_one(what: &str, address: SocketAddr) -> Result<(), Refusal> {
    // Binding sets SO_REUSEADDR, so connections that linger do not disturb.
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Refusal::new(
            "E105",
            format!("{address}, for {what}, is in use by another process"),
            format!(
                "stop it (`ss -ltnp 'sport = :{}'` shows which; perhaps an etcd, or another `understudy dev`), or change the address in the directory's configuration files",
                address.port()
            ),
        )),
        Err(error) => Err(Refusal::new(
            "E105",
            format!("{address}, for {what}, cannot be listened on: {error}"),
            "change the address in the directory's configuration files",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::check_one;
    use std::net::TcpListener;

    #[test]
    fn port_in_use_is_named_with_whom_it_is_for() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refusal = check_one("alpha's console", address).unwrap_err();
        assert!(refusal.fact.contains(&address.to_string()));
        assert!(refusal.fact.contains("alpha's console"));
    }
}
