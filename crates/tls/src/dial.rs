//! Connections that this process makes, and the proof of who answers.

use crate::{Certificate, Credentials, Identity, Peer, PeerStream, Reloaded, Role};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Error};
use tower::service_fn;
use understudy_types::NodeId;

/// How this process speaks with nodes.
#[derive(Clone, Debug, Default)]
pub struct Dialer {
    credentials: Option<Arc<Reloaded<Credentials>>>,
    on_loopback: OnLoopback,
}

/// What is spoken with this machine itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnLoopback {
    #[default]
    TheSame,
    Plaintext,
}

/// Who must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Node(NodeId),
    /// Where only an address is known.
    AnyNode,
}

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0:?} is not HOST:PORT")]
    Address(String),
    #[error("{found} answers, and not {expected}")]
    Other { found: String, expected: String },
}

impl Dialer {
    pub fn plaintext() -> Dialer {
        Dialer::default()
    }

    pub fn with(credentials: Arc<Reloaded<Credentials>>) -> Dialer {
        Dialer {
            credentials: Some(credentials),
            on_loopback: OnLoopback::TheSame,
        }
    }

    /// Plain text with this machine itself, as a pair for development speaks.
    pub fn beyond_loopback(credentials: Arc<Reloaded<Credentials>>) -> Dialer {
        Dialer {
            credentials: Some(credentials),
            on_loopback: OnLoopback::Plaintext,
        }
    }

    /// Connects to an endpoint of the scheme `http`, which is that of HTTP
    /// inside TLS too: the connection below it is this crate's.
    pub async fn connect(&self, endpoint: &Endpoint, expected: Expected) -> Result<Channel, Error> {
        let is_plain = self.on_loopback == OnLoopback::Plaintext && is_loopback(endpoint.uri());
        let credentials = self.credentials.clone().filter(|_| !is_plain);
        let connector = service_fn(move |uri: Uri| {
            let (credentials, expected) = (credentials.clone(), expected.clone());
            async move {
                let stream = dial(&uri, credentials.as_deref(), &expected).await?;
                Ok::<_, DialError>(TokioIo::new(stream))
            }
        });
        endpoint.connect_with_connector(connector).await
    }
}

fn is_loopback(uri: &Uri) -> bool {
    let host = host_of(uri).unwrap_or_default();
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An address of IPv6 stands in brackets in an URI alone.
fn host_of(uri: &Uri) -> Option<&str> {
    let host = uri.host()?;
    Some(host.trim_start_matches('[').trim_end_matches(']'))
}

async fn dial(
    uri: &Uri,
    credentials: Option<&Reloaded<Credentials>>,
    expected: &Expected,
) -> Result<PeerStream, DialError> {
    let address = || DialError::Address(uri.to_string());
    let host = host_of(uri).ok_or_else(address)?;
    let port = uri.port_u16().ok_or_else(address)?;
    let connection = TcpStream::connect((host, port)).await?;
    connection.set_nodelay(true)?;
    let Some(credentials) = credentials else {
        return Ok(PeerStream::plain(connection, Peer::Anybody));
    };
    let credentials = credentials.current();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| address())?;
    let connector = TlsConnector::from(credentials.client.clone());
    let stream = connector.connect(name, connection).await?;
    let found = stream.get_ref().1.peer_certificates();
    let found = found.and_then(|chain| Certificate::from_der(chain.first()?).ok());
    let peer = check(
        found.and_then(|certificate| certificate.identity),
        &credentials.identity.cluster,
        expected,
    )?;
    Ok(PeerStream::tls(stream, peer))
}

/// Nothing was sent yet when this fails.
fn check(found: Option<Identity>, cluster: &str, expected: &Expected) -> Result<Peer, DialError> {
    let peer = Peer::named(found, cluster);
    let is_expected = match (&peer, expected) {
        (Peer::Member(Role::Node(found)), Expected::Node(expected)) => found == expected,
        (Peer::Member(Role::Node(_)), Expected::AnyNode) => true,
        _ => false,
    };
    if is_expected {
        return Ok(peer);
    }
    Err(DialError::Other {
        found: peer.to_string(),
        expected: match expected {
            Expected::Node(node) => format!("node {node} of cluster {cluster}"),
            Expected::AnyNode => format!("a node of cluster {cluster}"),
        },
    })
}
