//! TLS with a collector: who may certify it.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use wardkey_settings::files::{self, Owner};

use crate::failure::CollectorError;
use crate::way::Party;

/// The longest file of certificates in bytes.
pub const MAX_CERTIFICATES: usize = 1 << 20;

/// TLS that trusts the configured authorities, read anew each time: they may be exchanged.
pub(crate) fn tls(party: &dyn Party, path: &Path) -> Result<Arc<ClientConfig>, CollectorError> {
    let unusable = |error: &dyn std::fmt::Display| {
        CollectorError::Authorities(format!("{}: {error}", path.display()))
    };
    let pem = files::read(path, Owner::current(), MAX_CERTIFICATES)
        .map_err(|error| CollectorError::Authorities(error.to_string()))?;
    let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let authorities = authorities.map_err(|error| unusable(&error))?;
    party.tls(authorities).map_err(|error| unusable(&error))
}
