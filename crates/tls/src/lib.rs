//! Who is at the other end: certificates of a cluster's own authority, the
//! names in them, and connections that prove them.
//!
//! `authority` makes certificates, `certificate` reads them, `identity` is
//! whom they name.

mod authority;
mod certificate;
mod identity;

pub use authority::{CertificateAuthority, IssueError, Issued, Validity};
pub use certificate::{Certificate, UnreadableCertificate};
pub use identity::{Identity, NoIdentity, Role};
