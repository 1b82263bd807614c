//! Whose signatures count.

use crate::files::{certificates, provider, unusable};
use crate::{Certificate, CredentialsError};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The authorities in a file, at least one. It may hold two while one
/// replaces the other.
pub(crate) struct Trusted {
    file: PathBuf,
    authorities: Vec<Certificate>,
}

impl Trusted {
    pub(crate) fn read(file: &Path) -> Result<Trusted, CredentialsError> {
        let (_, all) = certificates(file)?;
        let authorities = all.into_iter().map(|der| {
            Certificate::from_der(&der).map_err(|source| CredentialsError::NoCertificate {
                file: file.display().to_string(),
                source,
            })
        });
        Ok(Trusted {
            file: file.to_owned(),
            authorities: authorities.collect::<Result<_, CredentialsError>>()?,
        })
    }

    pub(crate) fn roots(&self) -> Result<Arc<RootCertStore>, CredentialsError> {
        let roots = roots(&self.authorities);
        roots.map_err(|error| unusable(&self.file, error))
    }

    pub(crate) fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, CredentialsError> {
        verifier(self.roots()?).map_err(|error| CredentialsError::Unusable {
            file: self.file.display().to_string(),
            detail: error.to_string(),
        })
    }

    /// Who signed the first certificate of a chain, judged at a moment when it
    /// was valid, so that only the signature counts.
    pub(crate) fn signer(
        &self,
        own: &Certificate,
        chain: &[CertificateDer<'static>],
    ) -> Result<Certificate, rustls::Error> {
        let moment = u64::try_from(own.not_before).unwrap_or(0) + 1;
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment));
        let mut refused = rustls::Error::NoCertificatesPresented;
        for authority in &self.authorities {
            let verifier = verifier(roots(std::slice::from_ref(authority))?);
            let verifier = verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
            match verifier.verify_client_cert(&chain[0], &chain[1..], moment) {
                Ok(_) => return Ok(authority.clone()),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub(crate) fn into_certificates(self) -> Vec<Certificate> {
        self.authorities
    }
}

fn roots(authorities: &[Certificate]) -> Result<Arc<RootCertStore>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.der.clone())?;
    }
    Ok(Arc::new(roots))
}

fn verifier(
    roots: Arc<RootCertStore>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    WebPkiClientVerifier::builder_with_provider(roots, provider()).build()
}
