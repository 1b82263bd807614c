//! Where connections come in: who speaks what, and who it is, before a byte
//! of a request is looked at.

use crate::files::ALPN;
use crate::pace::Lines;
use crate::room::{CLIENTS_OF_ADDRESS_MAX, MEMBERS_OF_ADDRESS_MAX, NoRoom, Place, Room, TOTAL_MAX};
use crate::{Certificate, ClientCredentials, Credentials, Peer, PeerStream, Reloaded, Role};
use futures::{Stream, StreamExt};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::{StartHandshake, TlsStream};

/// After a connection that could not be accepted: where files are short, the
/// next attempt fails too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a connection that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);
/// What a TLS connection begins with.
const TLS_HANDSHAKE: u8 = 0x16;

/// Who may come in where the cluster's members do not.
#[derive(Clone, Debug)]
pub enum Clients {
    Nobody,
    Plaintext,
    Tls(Arc<Reloaded<ClientCredentials>>),
}

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) first_byte: Duration,
    /// To say who it is.
    pub(crate) introduction: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first_byte: Duration::from_secs(1),
            introduction: Duration::from_secs(5),
        }
    }
}

/// One listening address. Clones share their bounds.
#[derive(Clone, Debug)]
pub struct Gate {
    members: Option<Arc<Reloaded<Credentials>>>,
    clients: Clients,
    refused: Arc<AtomicU64>,
    room: Arc<Room>,
    lines: Lines,
    pub(crate) patience: Patience,
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it speaks plain text, and TLS is spoken here")]
    Plaintext,
    #[error("it speaks TLS, and plain text is spoken here")]
    Tls,
    #[error("nodes alone send on what clients asked, and it is {0}")]
    NoNode(Peer),
    #[error("it speaks TLS, and not as nodes and operators of a cluster do")]
    Foreign,
    #[error("{0}")]
    NoRoom(#[from] NoRoom),
    #[error("it said nothing for {0:?}")]
    Silent(Duration),
    #[error("it did not say who it is within {0:?}")]
    Slow(Duration),
}

impl Gate {
    /// For nodes and operators alone: with credentials by mutual TLS, without
    /// them in plain text, to anybody.
    pub fn for_members(name: &str, members: Option<Arc<Reloaded<Credentials>>>) -> Gate {
        let clients = match members {
            Some(_) => Clients::Nobody,
            None => Clients::Plaintext,
        };
        Gate::for_clients(name, members, clients)
    }

    /// For clients of the data, and for nodes that send on what their own
    /// clients asked.
    pub fn for_clients(
        name: &str,
        members: Option<Arc<Reloaded<Credentials>>>,
        clients: Clients,
    ) -> Gate {
        let of_address_max = match clients {
            Clients::Nobody => MEMBERS_OF_ADDRESS_MAX,
            Clients::Plaintext | Clients::Tls(_) => CLIENTS_OF_ADDRESS_MAX,
        };
        Gate {
            members,
            clients,
            refused: Arc::default(),
            room: Room::new(of_address_max),
            lines: Lines::of(name),
            patience: Patience::default(),
        }
    }

    /// Counts there who was not let in.
    pub fn counting(self, refused: Arc<AtomicU64>) -> Gate {
        Gate { refused, ..self }
    }

    /// Whether clients are to write `https`.
    pub fn speaks_tls_to_clients(&self) -> bool {
        matches!(self.clients, Clients::Tls(_))
    }

    /// Those that are let in. A bounded number is asked at once who it is;
    /// for others there is no room, and they are closed: whoever is silent
    /// makes nobody else wait.
    pub fn admitted(
        self,
        connections: impl Stream<Item = io::Result<TcpStream>> + Send + 'static,
    ) -> impl Stream<Item = io::Result<PeerStream>> + Send {
        let entrance = self.clone();
        connections
            .filter_map(move |connection| {
                let gate = entrance.clone();
                async move {
                    match connection {
                        Ok(connection) => gate.enter(connection),
                        Err(error) => {
                            gate.could_not_accept(&error).await;
                            None
                        }
                    }
                }
            })
            .map(move |entered| {
                let gate = self.clone();
                async move { gate.admit(entered).await.map(Ok) }
            })
            // The room is the bound: this one is never reached.
            .buffer_unordered(TOTAL_MAX + 1)
            .filter_map(std::future::ready)
    }

    /// Tells of it, and pauses.
    pub async fn could_not_accept(&self, error: &io::Error) {
        let cause = format!("it could not be accepted: {error}");
        self.lines.say("unknown".to_owned(), cause);
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }

    fn enter(&self, connection: TcpStream) -> Option<Entered> {
        // Without an address it is gone already.
        let remote = connection.peer_addr().ok()?;
        match self.room.enter(remote.ip()) {
            Ok(place) => Some(Entered {
                connection,
                remote,
                place,
            }),
            Err(full) => {
                self.tell(remote, &full.into());
                None
            }
        }
    }

    async fn admit(&self, entered: Entered) -> Option<PeerStream> {
        let Entered {
            connection,
            remote,
            place: _place,
        } = entered;
        // Without it a small message waits for the acknowledgement of the one
        // before. A connection that is gone already is found out below.
        let _ = connection.set_nodelay(true);
        let patience = self.patience.introduction;
        let introduced = tokio::time::timeout(patience, self.introduce(connection));
        match introduced.await.unwrap_or(Err(Refused::Slow(patience))) {
            Ok(stream) => stream,
            Err(refused) => {
                self.tell(remote, &refused);
                None
            }
        }
    }

    /// None when it went without a word, as those do that only look whether
    /// somebody listens.
    async fn introduce(&self, connection: TcpStream) -> Result<Option<PeerStream>, Refused> {
        let mut first = [0];
        let patience = self.patience.first_byte;
        let peeked = tokio::time::timeout(patience, connection.peek(&mut first));
        if peeked.await.map_err(|_| Refused::Silent(patience))?? == 0 {
            return Ok(None);
        }
        if first[0] != TLS_HANDSHAKE {
            return self.plaintext(connection).map(Some);
        }
        if self.members.is_none() && !matches!(self.clients, Clients::Tls(_)) {
            return Err(Refused::Tls);
        }
        let accepted = LazyConfigAcceptor::new(Default::default(), connection).await?;
        let is_member = {
            let hello = accepted.client_hello();
            let mut spoken = hello.alpn().into_iter().flatten();
            spoken.any(|protocol| protocol == ALPN)
        };
        if let Some(members) = self.members.as_ref().filter(|_| is_member) {
            let credentials = members.current();
            let stream = handshake(accepted, credentials.server.clone()).await?;
            let peer = Peer::named(certificate_of(&stream), &credentials.identity.cluster);
            if self.is_for_clients() && !matches!(peer, Peer::Member(Role::Node(_))) {
                return Err(Refused::NoNode(peer));
            }
            return Ok(Some(PeerStream::tls(stream, peer)));
        }
        let Clients::Tls(clients) = &self.clients else {
            return Err(Refused::Foreign);
        };
        let stream = handshake(accepted, clients.current().server.clone()).await?;
        Ok(Some(PeerStream::tls(stream, Peer::Client)))
    }

    fn is_for_clients(&self) -> bool {
        !matches!(self.clients, Clients::Nobody)
    }

    fn plaintext(&self, connection: TcpStream) -> Result<PeerStream, Refused> {
        match (&self.clients, &self.members) {
            (Clients::Plaintext, _) => Ok(PeerStream::plain(connection, Peer::Anybody)),
            _ => Err(Refused::Plaintext),
        }
    }

    fn tell(&self, remote: SocketAddr, refused: &Refused) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.lines.say(remote.to_string(), refused.to_string());
    }
}

/// A connection that is about to say who it is.
struct Entered {
    connection: TcpStream,
    remote: SocketAddr,
    place: Place,
}

/// On a failure the other side is left the time to read why.
async fn handshake(
    accepted: StartHandshake<TcpStream>,
    config: Arc<ServerConfig>,
) -> Result<TlsStream<TcpStream>, Refused> {
    let shaken = accepted.into_stream(config).into_fallible().await;
    let (error, mut connection) = match shaken {
        Ok(stream) => return Ok(stream),
        Err(failed) => failed,
    };
    // A connection that is closed with unread bytes takes the alert along.
    if connection.shutdown().await.is_ok() {
        let mut rest = tokio::io::sink();
        let reading = tokio::io::copy(&mut connection, &mut rest);
        let _ = tokio::time::timeout(LINGER, reading).await;
    }
    Err(error.into())
}

fn certificate_of(stream: &TlsStream<TcpStream>) -> Option<crate::Identity> {
    let (_, session) = stream.get_ref();
    let der = session.peer_certificates()?.first()?;
    Certificate::from_der(der).ok()?.identity
}
