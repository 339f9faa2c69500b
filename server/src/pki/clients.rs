//! Whose client certificates are looked at: those of the authority that the newest root document
//! names, and of those before it.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime as TlsTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use wardkey_core::codec::sha256;
use wardkey_core::id::Hash;

use crate::error::{Error, Result};

/// What the certificates of an authority count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It issues them.
    Present,
    /// It did: they count until the exchange is ended.
    Former,
    /// It did, and somebody else may have its key: only those of a terminal's key on record count.
    Stolen,
    /// It did, and the exchange is ended: they say who comes, and count for nothing.
    Retired,
}

/// The authorities whose client certificates are looked at.
#[derive(Debug)]
pub struct Clients(Vec<Known>);

#[derive(Debug)]
struct Known {
    id: Hash,
    standing: Standing,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Clients {
    /// These, by their certificates (DER); the one that issues them comes first, then those before
    /// it, the oldest last.
    ///
    /// # Errors
    /// [`Error::Crypto`] when one is no certificate.
    pub fn new<'c>(authorities: impl IntoIterator<Item = (&'c [u8], Standing)>) -> Result<Self> {
        let known = |(certificate, standing): (&[u8], Standing)| {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut roots = RootCertStore::empty();
            roots.add(certificate.to_vec().into())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(Error::crypto("TLS"))?;
            Ok(Known { id: sha256(certificate), standing, verifier })
        };
        Ok(Self(authorities.into_iter().map(known).collect::<Result<_>>()?))
    }

    /// Verifies a certificate by each of them.
    ///
    /// # Errors
    /// What the first one has against it, when none has issued it.
    pub fn verify(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: TlsTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        let mut failed = None;
        for known in &self.0 {
            match known.verifier.verify_client_cert(end, intermediates, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed
            .unwrap_or(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)))
    }

    /// Which of them issued a certificate that TLS has verified. It is verified again where there
    /// are several: what a certificate says of its issuer is whatever the issuer wrote, who may be
    /// a thief.
    pub fn whose(&self, certificate: &CertificateDer<'_>, now: TlsTime) -> Option<Hash> {
        if let [only] = self.0.as_slice() {
            return Some(only.id);
        }
        let is_of =
            |known: &&Known| known.verifier.verify_client_cert(certificate, &[], now).is_ok();
        self.0.iter().find(is_of).map(|known| known.id)
    }

    /// Whether one of them came after another one of them. Those before the present one come after
    /// it, the oldest last.
    pub fn is_of_exchange(&self, id: &Hash) -> bool {
        self.standing(id).is_some() && self.0.last().is_some_and(|oldest| oldest.id != *id)
    }

    /// What the certificates of an authority count for; none of one that is not known.
    pub fn standing(&self, id: &Hash) -> Option<Standing> {
        self.0.iter().find(|known| known.id == *id).map(|known| known.standing)
    }
}
