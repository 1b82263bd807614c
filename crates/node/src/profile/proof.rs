//! What a node proves with, as far as anybody may know it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_tls::Certificate;

/// A node's certificates by whom they are shown to. Absent where plain text is
/// spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Other nodes and operators.
    pub members: Option<Proof>,
    pub clients: Option<Proof>,
}

/// Whom a certificate names and when it ends; and, by digest, whose
/// certificates count beside it. Never a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Whom it names; absent where no authority of a cluster has made it.
    pub holder: Option<String>,
    pub valid_from_unix: i64,
    pub expires_at_unix: i64,
    /// SHA-256 of the authority that signed it; absent of a certificate that
    /// is shown to clients.
    pub signed_by: Option<String>,
    /// Who shows a certificate of one of these is let in: digest and end.
    /// None: nobody needs one.
    pub authorities: BTreeMap<String, i64>,
    /// Addresses that this node advertises, and at which whoever dials them
    /// would not accept the certificate.
    pub not_for: Vec<String>,
    /// Why the files as they are now are not used.
    pub problem: Option<String>,
}

impl Proof {
    pub(crate) fn of<'a>(
        own: &Certificate,
        authorities: &[Certificate],
        advertised: impl Iterator<Item = &'a str>,
    ) -> Proof {
        let authorities = authorities.iter();
        Proof {
            holder: own.identity.as_ref().map(ToString::to_string),
            valid_from_unix: own.not_before,
            expires_at_unix: own.not_after,
            signed_by: None,
            authorities: authorities
                .map(|one| (one.digest.clone(), one.not_after))
                .collect(),
            not_for: advertised
                .filter(|address| !own.is_for(address))
                .map(str::to_owned)
                .collect(),
            problem: None,
        }
    }
}
