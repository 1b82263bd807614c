//! Certificates and keys as files, and what connections are made with.

use crate::{Certificate, Identity, Role, UnreadableCertificate};
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What nodes and operators speak among each other. Another one on the same
/// port, such as `h2`, is a client's.
pub(crate) const ALPN: &[u8] = b"understudy/1";
const ALPN_CLIENTS: &[u8] = b"h2";

/// A holder's certificate and key, and who signs those of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What a service shows to clients that are no part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Clients must have a certificate of this authority, when given.
    pub ca: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("{file}: {source}")]
    Unreadable {
        file: String,
        source: std::io::Error,
    },
    #[error("{file}: {source}")]
    NoCertificate {
        file: String,
        source: UnreadableCertificate,
    },
    #[error("{file} holds no private key: {detail}")]
    NoKey { file: String, detail: String },
    #[error("{file} was not signed by the authority in {ca}: {detail}")]
    OtherAuthority {
        file: String,
        ca: String,
        detail: String,
    },
    #[error("{file} is of {found}, and not of {wanted}: `understudy cert issue` makes one")]
    OtherHolder {
        file: String,
        found: String,
        wanted: String,
    },
    #[error("{file} cannot be used: {detail}")]
    Unusable { file: String, detail: String },
}

/// Whose credentials are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    Node(Identity),
    AnyOperator,
}

/// Read, checked, and made into what connections are made with.
#[derive(Debug)]
pub struct Credentials {
    pub own: Certificate,
    pub identity: Identity,
    pub authority: Certificate,
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

/// The same for clients that are no part of the cluster.
#[derive(Debug)]
pub struct ClientCredentials {
    pub own: Certificate,
    pub(crate) server: Arc<ServerConfig>,
}

impl TlsFiles {
    /// An expired certificate is taken: who shows it is refused by others, and
    /// a node must be able to say so.
    pub fn read(&self, holder: &Holder) -> Result<Credentials, CredentialsError> {
        let (authority, roots) = authority(&self.ca)?;
        let (own, chain) = certificates(&self.cert)?;
        let identity = self.holder(&own, holder)?;
        let verifier = verifier(roots.clone(), &self.ca)?;
        self.is_signed(&own, &chain, &*verifier)?;
        let unusable = |error: rustls::Error| unusable(&self.cert, error);
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key(&self.key)?)
            .map_err(unusable)?;
        never_resume(&mut server);
        server.alpn_protocols = vec![ALPN.to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key(&self.key)?)
            .map_err(unusable)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        client.resumption = Resumption::disabled();
        Ok(Credentials {
            own,
            identity,
            authority,
            server: Arc::new(server),
            client: Arc::new(client),
        })
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        vec![self.ca.clone(), self.cert.clone(), self.key.clone()]
    }

    fn holder(&self, own: &Certificate, holder: &Holder) -> Result<Identity, CredentialsError> {
        let is_expected = |identity: &&Identity| match holder {
            Holder::Node(expected) => *identity == expected,
            Holder::AnyOperator => matches!(identity.role, Role::Operator(_)),
        };
        let found = own.identity.as_ref();
        let identity = found.filter(is_expected).cloned();
        identity.ok_or_else(|| CredentialsError::OtherHolder {
            file: self.cert.display().to_string(),
            found: found.map_or("nobody of a cluster".to_owned(), ToString::to_string),
            wanted: match holder {
                Holder::Node(identity) => identity.to_string(),
                Holder::AnyOperator => "an operator".to_owned(),
            },
        })
    }

    /// At a moment when the certificate was valid, so that only the signature
    /// counts.
    fn is_signed(
        &self,
        own: &Certificate,
        chain: &[CertificateDer<'static>],
        verifier: &dyn ClientCertVerifier,
    ) -> Result<(), CredentialsError> {
        let moment = u64::try_from(own.not_before).unwrap_or(0) + 1;
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment));
        let verified = verifier.verify_client_cert(&chain[0], &chain[1..], moment);
        verified
            .map(|_| ())
            .map_err(|error| CredentialsError::OtherAuthority {
                file: self.cert.display().to_string(),
                ca: self.ca.display().to_string(),
                detail: error.to_string(),
            })
    }
}

impl ClientTlsFiles {
    pub fn read(&self) -> Result<ClientCredentials, CredentialsError> {
        let (own, chain) = certificates(&self.cert)?;
        let unusable = |error: rustls::Error| unusable(&self.cert, error);
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?;
        let builder = match &self.ca {
            Some(ca) => builder.with_client_cert_verifier(verifier(authority(ca)?.1, ca)?),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder
            .with_single_cert(chain, key(&self.key)?)
            .map_err(unusable)?;
        never_resume(&mut server);
        server.alpn_protocols = vec![ALPN_CLIENTS.to_vec()];
        Ok(ClientCredentials {
            own,
            server: Arc::new(server),
        })
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let files = [Some(&self.cert), Some(&self.key), self.ca.as_ref()];
        files.into_iter().flatten().cloned().collect()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A resumed session would not look at the certificate again.
fn never_resume(server: &mut ServerConfig) {
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
}

fn unusable(file: &Path, error: rustls::Error) -> CredentialsError {
    CredentialsError::Unusable {
        file: file.display().to_string(),
        detail: error.to_string(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CredentialsError> {
    std::fs::read(file).map_err(|source| CredentialsError::Unreadable {
        file: file.display().to_string(),
        source,
    })
}

/// What the first certificate of a file says, and all that are in it.
fn certificates(
    file: &Path,
) -> Result<(Certificate, Vec<CertificateDer<'static>>), CredentialsError> {
    let pem = read(file)?;
    let unreadable = |source| CredentialsError::NoCertificate {
        file: file.display().to_string(),
        source,
    };
    let first = Certificate::from_pem(&pem).map_err(unreadable)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| CredentialsError::Unusable {
        file: file.display().to_string(),
        detail: error.to_string(),
    })?;
    Ok((first, chain))
}

/// The one that ends first, and all: a file may hold two while one replaces
/// the other.
fn authority(file: &Path) -> Result<(Certificate, Arc<RootCertStore>), CredentialsError> {
    let (mut soonest, all) = certificates(file)?;
    let mut roots = RootCertStore::empty();
    for der in all {
        let unreadable = |source| CredentialsError::NoCertificate {
            file: file.display().to_string(),
            source,
        };
        let one = Certificate::from_der(&der).map_err(unreadable)?;
        if one.not_after < soonest.not_after {
            soonest = one;
        }
        roots.add(der).map_err(|error| unusable(file, error))?;
    }
    Ok((soonest, Arc::new(roots)))
}

fn verifier(
    roots: Arc<RootCertStore>,
    file: &Path,
) -> Result<Arc<dyn ClientCertVerifier>, CredentialsError> {
    WebPkiClientVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| CredentialsError::Unusable {
            file: file.display().to_string(),
            detail: error.to_string(),
        })
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, CredentialsError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| CredentialsError::NoKey {
        file: file.display().to_string(),
        detail: error.to_string(),
    })
}
