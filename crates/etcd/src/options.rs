//! What can be chosen about the services.

use std::{num::NonZeroUsize, time::Duration};
use understudy_tls::{Clients, Dialer, Gate};
use understudy_types::NodeId;

/// A node as the member list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAddress {
    pub node: NodeId,
    /// Where clients reach it: `http://host:port`.
    pub client_urls: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// Where clients reach this node: `http://host:port`.
    pub client_urls: Vec<String>,
    /// The other nodes that serve this shard, as far as they are configured.
    pub other_members: Vec<MemberAddress>,
    /// How clients, and nodes that send on what their clients asked, come in.
    pub gate: Gate,
    /// How the primary is asked what this node may not answer.
    pub dialer: Dialer,
    /// The threads that serve the shard's clients; a connection stays with one.
    pub threads: NonZeroUsize,
    /// How long a unary call waits for a primary before it is refused.
    pub hold: Duration,
    /// How long a watch with `progress_notify` may be silent.
    pub watch_progress_interval: Duration,
    /// How many calls and streams one connection may have open. Watches count
    /// as long as they last, so it must be well above their number.
    pub streams_per_connection_max: u32,
    /// The largest message that is decoded, in bytes.
    pub message_bytes_max: usize,
    /// The largest watch response where the client asked for fragments, in
    /// bytes; a single larger event still goes out.
    pub fragment_bytes_max: usize,
}

impl Default for EtcdOptions {
    fn default() -> Self {
        EtcdOptions {
            client_urls: Vec::new(),
            other_members: Vec::new(),
            gate: Gate::for_clients("clients", None, Clients::Plaintext),
            dialer: Dialer::plaintext(),
            threads: NonZeroUsize::MIN,
            hold: Duration::from_secs(5),
            watch_progress_interval: Duration::from_secs(600),
            streams_per_connection_max: 65_536,
            message_bytes_max: 2 * 1024 * 1024,
            fragment_bytes_max: 2 * 1024 * 1024,
        }
    }
}

impl EtcdOptions {
    /// How clients write an address of this cluster.
    pub fn client_url(&self, address: &str) -> String {
        match self.gate.speaks_tls_to_clients() {
            true => format!("https://{address}"),
            false => format!("http://{address}"),
        }
    }
}
