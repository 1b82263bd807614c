//! Who is let in, and who answers: over real connections.

mod certificate;
mod crowd;

use crate::{
    Certificate, CertificateAuthority, ClientTlsFiles, Clients, Credentials, Dialer, Expected,
    Gate, Holder, Identity, Issued, Peer, Reloaded, Role, TlsFiles, Validity,
};
use futures::StreamExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Endpoint;

/// In 2100, and a day before that.
const END: i64 = 4_102_444_800;
const YESTERDAY: i64 = 1_700_000_000;

fn valid() -> Validity {
    Validity {
        not_before: YESTERDAY,
        not_after: END,
    }
}

fn expired() -> Validity {
    Validity {
        not_before: YESTERDAY,
        not_after: YESTERDAY + 60,
    }
}

fn write(path: &Path, text: &str) {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = options.open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// An authority with what it makes.
struct Site {
    directory: TempDir,
    authority: CertificateAuthority,
}

impl Site {
    fn new(cluster: &str) -> Site {
        let directory = tempfile::tempdir().unwrap();
        let Issued { certificate, key } = CertificateAuthority::found(cluster, valid()).unwrap();
        write(&directory.path().join("ca.pem"), &certificate);
        let authority = CertificateAuthority::load(&certificate, &key).unwrap();
        Site {
            directory,
            authority,
        }
    }

    fn files(&self, name: &str, role: Role, validity: Validity) -> TlsFiles {
        let hosts = ["127.0.0.1".to_owned()];
        let Issued { certificate, key } = self.authority.issue(role, &hosts, validity).unwrap();
        let files = self.names(name);
        write(&files.cert, &certificate);
        write(&files.key, &key);
        files
    }

    fn names(&self, name: &str) -> TlsFiles {
        let at = |file: String| self.directory.path().join(file);
        TlsFiles {
            ca: at("ca.pem".to_owned()),
            cert: at(format!("{name}.pem")),
            key: at(format!("{name}.key")),
        }
    }

    fn node(&self, name: &str, validity: Validity) -> Arc<Reloaded<Credentials>> {
        let files = self.files(name, Role::Node(name.parse().unwrap()), validity);
        let identity = Identity::node(self.authority.cluster(), name.parse().unwrap());
        Reloaded::<Credentials>::open(files, Holder::Node(identity)).unwrap()
    }

    fn operator(&self, name: &str) -> Arc<Reloaded<Credentials>> {
        let files = self.files(name, Role::Operator(name.to_owned()), valid());
        Reloaded::<Credentials>::open(files, Holder::AnyOperator).unwrap()
    }
}

/// A gate that tells of each connection who it was, one byte read.
struct Served {
    endpoint: Endpoint,
    address: std::net::SocketAddr,
    peers: tokio::sync::mpsc::Receiver<Peer>,
    refused: Arc<AtomicU64>,
}

async fn serve(gate: Gate) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, peers) = tokio::sync::mpsc::channel(8);
    let refused = Arc::<AtomicU64>::default();
    let gate = gate.counting(refused.clone());
    tokio::spawn(async move {
        let mut admitted = Box::pin(gate.admitted(TcpListenerStream::new(listener)));
        while let Some(Ok(mut stream)) = admitted.next().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let peer = stream.peer().clone();
                if stream.read_u8().await.is_ok() {
                    tell.send(peer).await.unwrap();
                }
                // Held open: what was asked is not answered here.
                std::future::pending::<()>().await;
            });
        }
    });
    Served {
        endpoint: Endpoint::from_shared(format!("http://{address}")).unwrap(),
        address,
        peers,
        refused,
    }
}

fn cause(error: &tonic::transport::Error) -> String {
    understudy_types::innermost_cause(error)
}

fn alpha() -> Expected {
    Expected::Node("alpha".parse().unwrap())
}

#[tokio::test]
async fn members_know_each_other_by_name_and_role() {
    let site = Site::new("prod");
    let mut served = serve(Gate::for_members(
        "replication",
        Some(site.node("alpha", valid())),
    ))
    .await;
    for (credentials, expected) in [
        (
            site.node("bravo", valid()),
            Role::Node("bravo".parse().unwrap()),
        ),
        (site.operator("ann"), Role::Operator("ann".to_owned())),
    ] {
        let dialer = Dialer::with(credentials);
        let _channel = dialer.connect(&served.endpoint, alpha()).await.unwrap();
        assert_eq!(served.peers.recv().await, Some(Peer::Member(expected)));
    }
}

#[tokio::test]
async fn another_node_than_the_expected_one_is_not_spoken_with() {
    let site = Site::new("prod");
    let served = serve(Gate::for_members(
        "replication",
        Some(site.node("alpha", valid())),
    ))
    .await;
    let dialer = Dialer::with(site.operator("ann"));
    let expected = Expected::Node("bravo".parse().unwrap());
    let error = dialer
        .connect(&served.endpoint, expected)
        .await
        .unwrap_err();
    let told = "node alpha answers, and not node bravo of cluster prod";
    assert_eq!(cause(&error), told);
}

#[tokio::test]
async fn expired_and_foreign_servers_are_refused() {
    let (site, other) = (Site::new("prod"), Site::new("prod"));
    let dialer = Dialer::with(site.operator("ann"));
    for (server, said) in [
        (site.node("alpha", expired()), "certificate expired"),
        (other.node("alpha", valid()), "UnknownIssuer"),
    ] {
        let served = serve(Gate::for_members("replication", Some(server))).await;
        let error = dialer.connect(&served.endpoint, alpha()).await.unwrap_err();
        assert!(cause(&error).contains(said), "{}", cause(&error));
    }
}

#[tokio::test]
async fn clients_without_a_valid_certificate_never_get_to_the_services() {
    let (site, other) = (Site::new("prod"), Site::new("prod"));
    let mut served = serve(Gate::for_members(
        "replication",
        Some(site.node("alpha", valid())),
    ))
    .await;
    let stranger = {
        // Knows the authority, and has a certificate of another one.
        let files = other.files("bravo", Role::Node("bravo".parse().unwrap()), valid());
        let mut credentials = files
            .read(&Holder::Node(Identity::node(
                "prod",
                "bravo".parse().unwrap(),
            )))
            .unwrap();
        let right = site.operator("ann").current();
        let mut client = (*credentials.client).clone();
        client
            .dangerous()
            .set_certificate_verifier(Arc::new(Trusting(right.client.crypto_provider().clone())));
        credentials.client = Arc::new(client);
        credentials
    };
    let connector = tokio_rustls::TlsConnector::from(stranger.client.clone());
    for client in [
        connector,
        tokio_rustls::TlsConnector::from(site.node("bravo", expired()).current().client.clone()),
    ] {
        let connection = TcpStream::connect(served.address).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        let mut stream = client.connect(name, connection).await.unwrap();
        let _ = stream.write_all(b"x").await;
        let answer = stream.read_u8().await.unwrap_err().to_string();
        assert!(answer.contains("alert"), "{answer}");
    }
    let mut plain = TcpStream::connect(served.address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0").await.unwrap();
    let mut nothing = Vec::new();
    // Closed or reset, but without a word.
    let _ = plain.read_to_end(&mut nothing).await;
    assert!(nothing.is_empty());
    assert_eq!(served.refused.load(Ordering::Relaxed), 3);
    assert!(served.peers.try_recv().is_err());
}

/// Takes every server for the right one.
#[derive(Debug)]
struct Trusting(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn one_port_serves_clients_and_nodes_side_by_side() {
    let site = Site::new("prod");
    let members = Some(site.node("alpha", valid()));
    let files = site.names("alpha");
    let clients = ClientTlsFiles {
        cert: files.cert,
        key: files.key,
        ca: None,
    };
    let clients = Reloaded::<crate::ClientCredentials>::open(clients).unwrap();
    let relay = Dialer::with(site.node("bravo", valid()));
    for (clients, speaks_tls) in [(Clients::Plaintext, false), (Clients::Tls(clients), true)] {
        let gate = Gate::for_clients("clients", members.clone(), clients);
        assert_eq!(gate.speaks_tls_to_clients(), speaks_tls);
        let mut served = serve(gate).await;
        let _channel = relay.connect(&served.endpoint, alpha()).await.unwrap();
        let bravo = Peer::Member(Role::Node("bravo".parse().unwrap()));
        assert_eq!(served.peers.recv().await, Some(bravo));
        let mut plain = TcpStream::connect(served.address).await.unwrap();
        plain.write_all(b"PRI * HTTP/2.0").await.unwrap();
        if speaks_tls {
            let mut nothing = Vec::new();
            let _ = plain.read_to_end(&mut nothing).await;
            assert!(nothing.is_empty());
            assert_eq!(served.refused.load(Ordering::Relaxed), 1);
        } else {
            assert_eq!(served.peers.recv().await, Some(Peer::Anybody));
        }
    }
}

#[test]
fn credentials_of_somebody_else_or_of_another_authority_are_refused() {
    let (site, other) = (Site::new("prod"), Site::new("prod"));
    let alpha = Identity::node("prod", "alpha".parse().unwrap());
    let files = site.files("bravo", Role::Node("bravo".parse().unwrap()), valid());
    let refused = |files: &TlsFiles, holder: &Holder| files.read(holder).unwrap_err().to_string();
    let told = refused(&files, &Holder::Node(alpha.clone()));
    assert!(
        told.contains("understudy://prod/node/bravo, and not of understudy://prod/node/alpha"),
        "{told}"
    );
    let told = refused(&files, &Holder::AnyOperator);
    assert!(told.contains("and not of an operator"), "{told}");
    let mut files = site.files("alpha", Role::Node("alpha".parse().unwrap()), valid());
    let right = files.ca.clone();
    files.ca = other.names("").ca;
    let told = refused(&files, &Holder::Node(alpha.clone()));
    assert!(told.contains("was not signed by the authority"), "{told}");
    files.ca = right;
    files.key = site.names("bravo").key;
    let told = refused(&files, &Holder::Node(alpha));
    assert!(told.contains("cannot be used"), "{told}");
}

#[test]
fn changed_files_are_taken_and_faulty_ones_told_when_they_stay() {
    use crate::reload::Look;
    let site = Site::new("prod");
    let credentials = site.node("alpha", valid());
    let files = site.names("alpha");
    let key = std::fs::read_to_string(&files.key).unwrap();
    assert_eq!(credentials.look(), Look::Same);
    let longer = Validity {
        not_after: END + 86_400,
        ..valid()
    };
    let role = Role::Node("alpha".parse().unwrap());
    let renewed = site.authority.renew(role, &[], longer, &key).unwrap();
    write(&files.cert, &renewed);
    assert_eq!(credentials.look(), Look::Taken);
    assert_eq!(credentials.current().own.not_after, END + 86_400);
    write(&files.cert, "nothing");
    assert_eq!(credentials.look(), Look::PerhapsFaulty);
    assert_eq!(credentials.problem(), None);
    let Look::Faulty(problem) = credentials.look() else {
        panic!("it stays faulty");
    };
    assert!(problem.contains("alpha.pem"), "{problem}");
    assert_eq!(credentials.problem(), Some(problem));
    assert_eq!(credentials.look(), Look::Same, "told once");
    assert_eq!(credentials.current().own.not_after, END + 86_400);
    write(&files.cert, &renewed);
    assert_eq!(credentials.look(), Look::Same);
    assert_eq!(credentials.problem(), None);
}

#[test]
fn ends_of_certificates_are_counted_on_the_given_clock() {
    let site = Site::new("prod");
    let files = site.files("ann", Role::Operator("ann".to_owned()), valid());
    let read = Certificate::from_pem(&std::fs::read(files.cert).unwrap()).unwrap();
    assert_eq!(read.seconds_left((END as u64 - 5) * 1000), 5);
    assert_eq!(read.seconds_left((END as u64 + 5) * 1000), -5);
}
