//! Certificates and keys as files, and what connections are made with.

use crate::trusted::Trusted;
use crate::{Certificate, Identity, Role, UnreadableCertificate};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Which of the authorities signed it.
    pub signed_by: Certificate,
    /// Whoever shows a certificate of one of these is let in.
    pub authorities: Vec<Certificate>,
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

/// The same for clients that are no part of the cluster.
#[derive(Debug)]
pub struct ClientCredentials {
    pub own: Certificate,
    /// Clients must show a certificate of one of these; none: they need none.
    pub authorities: Vec<Certificate>,
    pub(crate) server: Arc<ServerConfig>,
}

impl TlsFiles {
    /// An expired certificate is taken: who shows it is refused by others, and
    /// a node must be able to say so.
    pub fn read(&self, holder: &Holder) -> Result<Credentials, CredentialsError> {
        let trusted = Trusted::read(&self.ca)?;
        let (own, chain) = certificates(&self.cert)?;
        let identity = self.holder(&own, holder)?;
        let signed_by = self.signer(&own, &chain, &trusted)?;
        let unusable = |error: rustls::Error| unusable(&self.cert, error);
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(trusted.verifier()?)
            .with_single_cert(chain.clone(), key(&self.key)?)
            .map_err(unusable)?;
        never_resume(&mut server);
        server.alpn_protocols = vec![ALPN.to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_root_certificates(trusted.roots()?)
            .with_client_auth_cert(chain, key(&self.key)?)
            .map_err(unusable)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        client.resumption = Resumption::disabled();
        Ok(Credentials {
            own,
            identity,
            signed_by,
            authorities: trusted.into_certificates(),
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

    fn signer(
        &self,
        own: &Certificate,
        chain: &[CertificateDer<'static>],
        trusted: &Trusted,
    ) -> Result<Certificate, CredentialsError> {
        let signer = trusted.signer(own, chain);
        signer.map_err(|error| CredentialsError::OtherAuthority {
            file: self.cert.display().to_string(),
            ca: self.ca.display().to_string(),
            detail: error.to_string(),
        })
    }
}

impl Credentials {
    /// The authority that ends first.
    pub fn authority(&self) -> &Certificate {
        let soonest = self.authorities.iter().min_by_key(|one| one.not_after);
        soonest.unwrap_or(&self.signed_by)
    }
}

impl ClientTlsFiles {
    pub fn read(&self) -> Result<ClientCredentials, CredentialsError> {
        let (own, chain) = certificates(&self.cert)?;
        let unusable = |error: rustls::Error| unusable(&self.cert, error);
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?;
        let trusted = self.ca.as_deref().map(Trusted::read).transpose()?;
        let builder = match &trusted {
            Some(trusted) => builder.with_client_cert_verifier(trusted.verifier()?),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder
            .with_single_cert(chain, key(&self.key)?)
            .map_err(unusable)?;
        never_resume(&mut server);
        server.alpn_protocols = vec![ALPN_CLIENTS.to_vec()];
        Ok(ClientCredentials {
            own,
            authorities: trusted.map(Trusted::into_certificates).unwrap_or_default(),
            server: Arc::new(server),
        })
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let files = [Some(&self.cert), Some(&self.key), self.ca.as_ref()];
        files.into_iter().flatten().cloned().collect()
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A resumed session would not look at the certificate again.
fn never_resume(server: &mut ServerConfig) {
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
}

pub(crate) fn unusable(file: &Path, error: rustls::Error) -> CredentialsError {
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
pub(crate) fn certificates(
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

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, CredentialsError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| CredentialsError::NoKey {
        file: file.display().to_string(),
        detail: error.to_string(),
    })
}
