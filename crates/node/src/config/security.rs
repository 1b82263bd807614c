//! Certificates, and where plain text may be spoken.

use super::raw::{ClientTls, Service, Tls};
use crate::settings::{Endpoint, ShardSettings};
use std::path::Path;
use understudy_tls::{ClientTlsFiles, TlsFiles};

pub(super) fn tls(tls: &Tls, directory: &Path) -> Result<Option<TlsFiles>, String> {
    match (&tls.ca, &tls.cert, &tls.key) {
        (None, None, None) => Ok(None),
        (Some(ca), Some(cert), Some(key)) => Ok(Some(TlsFiles {
            ca: directory.join(ca),
            cert: directory.join(cert),
            key: directory.join(key),
        })),
        _ => {
            Err("tls.ca, tls.cert and tls.key belong together: give all three, or none".to_owned())
        }
    }
}

pub(super) fn client_tls(tls: Option<ClientTls>, directory: &Path) -> Option<ClientTlsFiles> {
    let ClientTls { cert, key, ca } = tls?;
    Some(ClientTlsFiles {
        cert: directory.join(cert),
        key: directory.join(key),
        ca: ca.map(|ca| directory.join(ca)),
    })
}

/// What is served, and whether it speaks TLS.
pub(super) struct Services<'a> {
    pub(super) replication: &'a Endpoint,
    pub(super) console: &'a Endpoint,
    pub(super) shards: &'a [ShardSettings],
    pub(super) tls: Option<&'a TlsFiles>,
    pub(super) client_tls: Option<&'a ClientTlsFiles>,
}

/// A node sends on what its clients ask, to the port where the other node's
/// clients come in: as a node, or in plain text, which is not spoken there.
pub(super) fn check_relay(services: &Services<'_>) -> Result<(), String> {
    if services.client_tls.is_some() && services.tls.is_none() {
        return Err("[client_tls] is given without [tls]: the other node would send on in plain text what its clients ask, to a port that takes only TLS; give [tls] ca, cert and key too (`understudy cert` makes them), or leave [client_tls] out".to_owned());
    }
    Ok(())
}

/// Plain text stays on this machine, unless somebody has said otherwise.
pub(super) fn check_plaintext(services: &Services<'_>, accepted: &[Service]) -> Result<(), String> {
    let certificates = "give [tls] ca, cert and key (`understudy cert` makes them)";
    if services.tls.is_none() {
        let address = services.replication;
        check(
            "listen.replication",
            Service::Replication,
            address,
            certificates,
            accepted,
        )?;
    }
    if services.client_tls.is_none() {
        for shard in services.shards {
            let name = format!("shard {}", shard.name);
            let way = "give [client_tls] cert and key, beside [tls]";
            check(&name, Service::Clients, &shard.clients, way, accepted)?;
        }
    }
    let way = "let it listen on loopback, behind whatever speaks TLS for it";
    check(
        "listen.console",
        Service::Console,
        services.console,
        way,
        accepted,
    )
}

fn check(
    name: &str,
    service: Service,
    endpoint: &Endpoint,
    way: &str,
    accepted: &[Service],
) -> Result<(), String> {
    if endpoint.listen.ip().is_loopback() || accepted.contains(&service) {
        return Ok(());
    }
    let word = format!("{service:?}").to_lowercase();
    Err(format!(
        "E606 {name} would speak plain text beyond this machine, at {}: {way}; or, in a network that nobody else can read or write, accept it with `plaintext = [\"{word}\"]` in [tls]",
        endpoint.listen
    ))
}
