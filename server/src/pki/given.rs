//! Certificates and keys in files that somebody else looks after.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::{KeyAndCertificate, certified, read_certificate};
use crate::error::{Error, Result};
use crate::files;
use crate::texts::Text;

/// The longest file of certificates or keys in bytes that is read.
const MAX_PEM: u64 = 1024 * 1024;

/// A certificate (PEM, with those that lead to one that others know) and its private key (PEM).
///
/// # Errors
/// [`Error::Configuration`] for a file that cannot be read, and as [`certified`].
pub fn pair(certificate: &Path, key: &Path) -> Result<CertifiedKey> {
    let certificate = pem(certificate)?.to_string();
    certified(&KeyAndCertificate { key: pem(key)?, certificate })
}

/// When the first certificate of a file ends.
///
/// # Errors
/// [`Error::Configuration`] for a file that cannot be read, [`Error::Crypto`] for one without any.
pub fn end_of(certificate: &Path) -> Result<UnixTime> {
    Ok(read_certificate(&pem(certificate)?)?.1)
}

/// Those who issue certificates, by theirs (PEM); at least one.
///
/// # Errors
/// [`Error::Configuration`] for a file that cannot be read or has none, [`Error::Crypto`] for one
/// that is not a certificate.
pub fn issuers(path: &Path) -> Result<RootCertStore> {
    let pem = pem(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(Error::crypto(Text::DoingCertificate))?)?;
    }
    if roots.is_empty() {
        let message = Text::NoCertificate.into();
        return Err(Error::Configuration { path: path.to_owned(), message });
    }
    Ok(roots)
}

fn pem(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = files::read_followed(path, MAX_PEM);
    let text = bytes.and_then(|bytes| {
        String::from_utf8(bytes)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    });
    text.map(Zeroizing::new).map_err(|error| {
        let message = Text::CannotBeRead.with([("why", files::why(&error))]);
        Error::Configuration { path: path.to_owned(), message }.caused_by(error)
    })
}
