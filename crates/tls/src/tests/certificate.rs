//! What a certificate says, without a connection.

use super::{Site, valid};
use crate::{Certificate, CertificateAuthority, Holder, Identity, Issued, Role};

/// Made by `openssl req -x509` with `subjectAltName = DNS:db.example.com,
/// DNS:*.example.org, IP:10.0.0.1, IP:::1`.
const STRANGER: &str = include_str!("stranger.pem");
/// As `openssl x509 -fingerprint -sha256` says it.
const FINGERPRINT: &str = "0dfc142c2f48df5423a94a0cce0aa92639ee5d189ecbf9a3076ff87b4e26fdf4";

#[test]
fn digest_is_the_fingerprint_that_other_tools_show() {
    let read = Certificate::from_pem(STRANGER.as_bytes()).unwrap();
    assert_eq!(read.digest, FINGERPRINT);
    assert_eq!(read.identity, None);
}

#[test]
fn certificate_is_for_the_hosts_that_it_names() {
    let read = Certificate::from_pem(STRANGER.as_bytes()).unwrap();
    for address in [
        "db.example.com:2379",
        "DB.example.com:2379",
        "a.example.org:1",
        "10.0.0.1:2390",
        "[::1]:2390",
    ] {
        assert!(read.is_for(address), "{address}");
    }
    for address in [
        "example.com:2379",
        "a.b.example.org:1",
        "10.0.0.2:2390",
        "[::2]:2390",
        "",
    ] {
        assert!(!read.is_for(address), "{address}");
    }
}

#[test]
fn of_two_authorities_in_a_file_the_one_that_signed_is_known() {
    let (old, new) = (Site::new("prod"), Site::new("prod"));
    let pem = |site: &Site| std::fs::read_to_string(site.names("").ca).unwrap();
    let both = [pem(&old), pem(&new)].concat();
    let digest = |site: &Site| Certificate::from_pem(pem(site).as_bytes()).unwrap().digest;
    let alpha = Identity::node("prod", "alpha".parse().unwrap());
    for site in [&old, &new] {
        let files = site.files("alpha", alpha.role.clone(), valid());
        let alone = files.read(&Holder::Node(alpha.clone())).unwrap();
        assert_eq!(alone.signed_by.digest, digest(site));
        super::write(&site.directory.path().join("both.pem"), &both);
        let files = crate::TlsFiles {
            ca: site.directory.path().join("both.pem"),
            ..files
        };
        let read = files.read(&Holder::Node(alpha.clone())).unwrap();
        assert_eq!(read.signed_by.digest, digest(site));
        let known: Vec<_> = read.authorities.iter().map(|one| &one.digest).collect();
        assert_eq!(known, [&digest(&old), &digest(&new)]);
    }
}

#[test]
fn authority_that_ends_first_is_the_one_to_tell_of() {
    let site = Site::new("prod");
    let sooner = crate::Validity {
        not_after: super::END - 1,
        ..valid()
    };
    let Issued { certificate, .. } = CertificateAuthority::found("prod", sooner).unwrap();
    let files = site.files("ann", Role::Operator("ann".to_owned()), valid());
    let mut both = std::fs::read_to_string(&files.ca).unwrap();
    both += &certificate;
    super::write(&files.ca, &both);
    let read = files.read(&Holder::AnyOperator).unwrap();
    assert_eq!(read.authority().not_after, super::END - 1);
    assert_eq!(read.signed_by.not_after, super::END);
}
