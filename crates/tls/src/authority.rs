//! A cluster's own certificate authority.

use crate::{Certificate, Identity, Role, UnreadableCertificate};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use time::OffsetDateTime;

/// Clocks of two sites may be so far apart that a new certificate is not
/// valid yet at the other one.
const BACKDATED_SECONDS: i64 = 3600;

/// From when to when, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

impl Validity {
    pub fn days_from(wall_millis: u64, days: u32) -> Validity {
        let now = i64::try_from(wall_millis / 1000).unwrap_or(i64::MAX / 2);
        Validity {
            not_before: now - BACKDATED_SECONDS,
            not_after: now + i64::from(days) * 86_400,
        }
    }
}

/// A certificate and its key, as PEM.
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("{0}")]
    Certificate(#[from] UnreadableCertificate),
    #[error("it is not the authority of an understudy cluster")]
    NoAuthority,
    #[error("the key does not belong to the authority's certificate")]
    OtherKey,
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
    #[error("{0}")]
    Making(#[from] rcgen::Error),
    #[error("the system gives no entropy: {0}")]
    Entropy(getrandom::Error),
}

/// Makes certificates for one cluster.
pub struct CertificateAuthority {
    cluster: String,
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl CertificateAuthority {
    /// A new authority's certificate and key.
    pub fn found(cluster: &str, validity: Validity) -> Result<Issued, IssueError> {
        let identity = Identity {
            cluster: cluster.to_owned(),
            role: Role::Authority,
        };
        // Two authorities of one name would be told apart by their signatures
        // alone, and "bad signature" says nothing to an operator.
        let mark = u32::from_le_bytes(entropy()?);
        let name = format!("understudy {cluster} authority {mark:08x}");
        let mut params = params(&name, &identity, validity)?;
        // It signs ends of connections, and no other authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        Ok(Issued {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// From the PEM of both.
    pub fn load(certificate: &str, key: &str) -> Result<CertificateAuthority, IssueError> {
        let read = Certificate::from_pem(certificate.as_bytes())?;
        let Some(Identity {
            cluster,
            role: Role::Authority,
        }) = &read.identity
        else {
            return Err(IssueError::NoAuthority);
        };
        let key = KeyPair::from_pem(key)?;
        if !holds_key(certificate, &key)? {
            return Err(IssueError::OtherKey);
        }
        Ok(CertificateAuthority {
            cluster: cluster.clone(),
            issuer: Issuer::from_ca_cert_pem(certificate, key)?,
            certificate: read,
        })
    }

    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A certificate with a key of its own.
    pub fn issue(
        &self,
        role: Role,
        hosts: &[String],
        validity: Validity,
    ) -> Result<Issued, IssueError> {
        let key = KeyPair::generate()?;
        Ok(Issued {
            certificate: self.sign(role, hosts, validity, &key)?,
            key: key.serialize_pem(),
        })
    }

    /// A certificate for a key that there is, as PEM.
    pub fn renew(
        &self,
        role: Role,
        hosts: &[String],
        validity: Validity,
        key: &str,
    ) -> Result<String, IssueError> {
        self.sign(role, hosts, validity, &KeyPair::from_pem(key)?)
    }

    fn sign(
        &self,
        role: Role,
        hosts: &[String],
        validity: Validity,
        key: &KeyPair,
    ) -> Result<String, IssueError> {
        let usages = match &role {
            // A node calls, and is called.
            Role::Node(_) => vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            Role::Operator(_) | Role::Authority => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        let name = format!("understudy {} {role}", self.cluster);
        let identity = Identity {
            cluster: self.cluster.clone(),
            role,
        };
        let mut params = params(&name, &identity, validity)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        params.use_authority_key_identifier_extension = true;
        for host in hosts {
            params.subject_alt_names.push(host_name(host)?);
        }
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }
}

fn params(
    name: &str,
    identity: &Identity,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    let moment =
        |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time);
    params.not_before = moment(validity.not_before)?;
    params.not_after = moment(validity.not_after)?;
    // The library's own number is that of the key, which a renewal keeps.
    let serial: [u8; 16] = entropy()?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let uri = identity.to_string().try_into()?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    Ok(params)
}

fn entropy<const N: usize>() -> Result<[u8; N], IssueError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(IssueError::Entropy)?;
    Ok(bytes)
}

fn host_name(host: &str) -> Result<SanType, IssueError> {
    if let Ok(address) = host.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let is_sound = rustls::pki_types::DnsName::try_from(host).is_ok();
    if !is_sound {
        return Err(IssueError::Host(host.to_owned()));
    }
    Ok(SanType::DnsName(host.try_into()?))
}

/// Whether the certificate is of that key.
fn holds_key(certificate: &str, key: &KeyPair) -> Result<bool, IssueError> {
    use rcgen::PublicKeyData;
    use x509_parser::prelude::{FromDer, X509Certificate, parse_x509_pem};
    let (_, pem) = parse_x509_pem(certificate.as_bytes()).map_err(|_| IssueError::NoAuthority)?;
    let (_, parsed) =
        X509Certificate::from_der(&pem.contents).map_err(|_| IssueError::NoAuthority)?;
    Ok(parsed.public_key().raw == key.subject_public_key_info())
}
