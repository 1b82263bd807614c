use super::{CertArgs, cert};
use crate::exit::Exit;
use crate::refusal::Refusal;
use clap::{Args, Command, FromArgMatches};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use understudy_tls::{Certificate, CertificateAuthority, Identity, Validity};

fn run(directory: &Path, line: &str) -> Result<Exit, String> {
    let command = CertArgs::augment_args(Command::new("cert"));
    let arguments = format!("cert {line} --dir {}", directory.display());
    let matches = command.try_get_matches_from(arguments.split_whitespace());
    let args = CertArgs::from_arg_matches(&matches.expect("a line that is understood"));
    cert(args.expect("a command")).map_err(|error| match error.downcast::<Refusal>() {
        Ok(refusal) => refusal.id.to_owned(),
        Err(error) => error.to_string(),
    })
}

fn read(directory: &Path, name: &str) -> Certificate {
    let pem = std::fs::read(directory.join(name)).expect("a file");
    Certificate::from_pem(&pem).expect("a certificate")
}

fn founded() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run(directory.path(), "init --cluster prod"), Ok(Exit::Done));
    directory
}

#[test]
fn certificates_name_their_holder_and_keys_are_its_owners_alone() {
    let directory = founded();
    let path = directory.path();
    let line = "issue node alpha --host a.example.com --host 10.0.0.1 --days 30";
    assert_eq!(run(path, line), Ok(Exit::Done));
    assert_eq!(run(path, "issue operator ann"), Ok(Exit::Done));
    let node = read(path, "node-alpha.pem");
    let alpha = Identity::node("prod", "alpha".parse().unwrap());
    assert_eq!(node.identity, Some(alpha));
    assert_eq!(node.hosts, ["a.example.com", "10.0.0.1"]);
    let operator = read(path, "operator-ann.pem");
    assert_eq!(operator.identity, Some(Identity::operator("prod", "ann")));
    assert_eq!(operator.hosts, [""; 0]);
    for key in ["ca.key", "node-alpha.key", "operator-ann.key"] {
        let mode = path.join(key).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    assert_eq!(run(path, "show"), Ok(Exit::Done));
}

#[test]
fn nothing_is_written_over() {
    let directory = founded();
    let path = directory.path();
    run(path, "issue node alpha --host a").unwrap();
    let files = ["ca.pem", "ca.key", "node-alpha.pem", "node-alpha.key"];
    let before = files.map(|name| std::fs::read(path.join(name)).unwrap());
    assert_eq!(run(path, "init --cluster prod"), Err("E601".to_owned()));
    let again = run(path, "issue node alpha --host b");
    assert_eq!(again, Err("E601".to_owned()));
    let after = files.map(|name| std::fs::read(path.join(name)).unwrap());
    assert_eq!(before, after);
}

#[test]
fn renewal_keeps_name_hosts_and_key_and_ends_later() {
    let directory = founded();
    let path = directory.path();
    run(path, "issue node alpha --host a --days 1").unwrap();
    assert_eq!(run(path, "show"), Ok(Exit::Warnings));
    let key = std::fs::read(path.join("node-alpha.key")).unwrap();
    let before = read(path, "node-alpha.pem");
    assert_eq!(run(path, "renew node alpha --days 90"), Ok(Exit::Done));
    let after = read(path, "node-alpha.pem");
    assert_eq!(
        (&before.identity, &before.hosts),
        (&after.identity, &after.hosts)
    );
    assert!(after.not_after > before.not_after + 80 * 86_400);
    assert_eq!(std::fs::read(path.join("node-alpha.key")).unwrap(), key);
    assert_eq!(run(path, "show"), Ok(Exit::Done));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let nothing = tempfile::tempdir().unwrap();
    let refused = |path, line, id: &str| assert_eq!(run(path, line), Err(id.to_owned()), "{line}");
    refused(nothing.path(), "issue node alpha --host a", "E602");
    refused(nothing.path(), "renew node alpha", "E602");
    let directory = founded();
    let path = directory.path();
    refused(path, "renew node alpha", "E604");
    refused(path, "renew operator ann", "E604");
    refused(path, "issue node alpha --host a:2390", "E605");
    // An authority and a key that do not belong together.
    let other = founded();
    std::fs::copy(other.path().join("ca.key"), path.join("ca.key")).unwrap();
    refused(path, "issue node alpha --host a", "E605");
}

#[test]
fn expired_authority_makes_nothing_and_a_certificate_never_outlives_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    run(path, "init --cluster prod --days 10").unwrap();
    run(path, "issue node alpha --host a --days 365").unwrap();
    let authority = read(path, "ca.pem");
    assert_eq!(read(path, "node-alpha.pem").not_after, authority.not_after);
    let past = Validity {
        not_before: authority.not_before - 10 * 86_400,
        not_after: authority.not_before,
    };
    let expired = CertificateAuthority::found("prod", past).unwrap();
    let old = tempfile::tempdir().unwrap();
    let place = super::Directory::new(old.path().to_owned());
    place.write(&super::Stem::Authority, &expired).unwrap();
    let refused = run(old.path(), "issue node alpha --host a");
    assert_eq!(refused, Err("E603".to_owned()));
}
