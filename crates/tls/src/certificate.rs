use crate::Identity;
use http::uri::Authority;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use serde::Serialize;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// SHA-256 of all of it, in hexadecimal: the fingerprint that other tools
    /// show.
    pub digest: String,
    /// Absent in a certificate that no authority of ours has made.
    pub identity: Option<Identity>,
    /// Names and addresses of hosts.
    pub hosts: Vec<String>,
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    #[serde(skip)]
    pub(crate) der: CertificateDer<'static>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it holds no certificate that can be read: {0}")]
pub struct UnreadableCertificate(String);

impl Certificate {
    /// The first one in a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Certificate, UnreadableCertificate> {
        let der = CertificateDer::from_pem_slice(pem);
        Certificate::from_der(&der.map_err(|error| UnreadableCertificate(error.to_string()))?)
    }

    pub fn from_der(der: &[u8]) -> Result<Certificate, UnreadableCertificate> {
        let unreadable = |error: String| UnreadableCertificate(error);
        let (_, parsed) =
            X509Certificate::from_der(der).map_err(|error| unreadable(error.to_string()))?;
        let names = parsed
            .subject_alternative_name()
            .map_err(|error| unreadable(error.to_string()))?;
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let identity = names.iter().find_map(|name| match name {
            GeneralName::URI(uri) => uri.parse().ok(),
            _ => None,
        });
        Ok(Certificate {
            digest: digest(der),
            identity,
            hosts: names.iter().filter_map(host).collect(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            der: CertificateDer::from(der.to_vec()),
        })
    }

    /// Whether who dials `address`, `HOST:PORT`, accepts this certificate
    /// there.
    pub fn is_for(&self, address: &str) -> bool {
        let Ok(authority) = address.parse::<Authority>() else {
            return false;
        };
        // An address of IPv6 stands in brackets beside a port alone.
        let host = authority.host().trim_matches(['[', ']']);
        let names = |name: ServerName<'_>| {
            let parsed = ParsedCertificate::try_from(&self.der);
            parsed.and_then(|parsed| verify_server_name(&parsed, &name))
        };
        ServerName::try_from(host).is_ok_and(|name| names(name).is_ok())
    }

    /// Until it is not valid any more, or since then, as a negative number.
    pub fn seconds_left(&self, wall_millis: u64) -> i64 {
        self.not_after - i64::try_from(wall_millis / 1000).unwrap_or(i64::MAX)
    }
}

fn digest(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let mut text = String::new();
    for byte in digest.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).into());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(sixteen).into())
}
