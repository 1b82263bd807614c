//! Who is at the other end: certificates of a cluster's own authority, the
//! names in them, and connections that prove them.
//!
//! `authority` makes certificates, `certificate` reads them, `identity` is
//! whom they name. `files` makes of them what connections are made with,
//! `trusted` whose signatures count for that, and `reload` takes changed files. `gate` is where connections come in, `room`
//! how many at once, `pace` how much is said of it; `dial` makes them.

mod authority;
mod certificate;
mod dial;
mod files;
mod gate;
mod identity;
mod pace;
mod reload;
mod room;
mod stream;
#[cfg(test)]
mod tests;
mod trusted;

pub use authority::{CertificateAuthority, IssueError, Issued, Validity};
pub use certificate::{Certificate, UnreadableCertificate};
pub use dial::{Dialer, Expected};
pub use files::{
    ClientCredentials, ClientTlsFiles, Credentials, CredentialsError, Holder, TlsFiles,
};
pub use gate::{Clients, Gate};
pub use identity::{Identity, NoIdentity, Role};
pub use reload::Reloaded;
pub use stream::{Peer, PeerInfo, PeerStream};
