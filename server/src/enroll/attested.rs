//! Which registrations count as attested: those whose maker vouches for the model and for the
//! flags.
//!
//! Only a packed statement by a certificate does (WebAuthn level 3, 8.2): its signature covers the
//! whole authenticator data, so model and flags too. A fido-u2f statement (8.6) signs neither:
//! whoever holds a genuine U2F key could write any model and any flag into it. Both algorithms of
//! credentials come through here, so that none has rules of its own.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crypto_glue::traits::DecodeDer;
use crypto_glue::x509::Certificate;
use rustls::pki_types::CertificateDer;
use webauthn_rs_core::attestation::{
    FidoGenCeAaguid, assert_packed_attest_req, validate_extension, verify_attestation_ca_chain,
};
use webauthn_rs_core::proto::{AttestationCaListBuilder, ParsedAttestationData};

use super::auth_data::{Attestation, Statement};

/// The model of a key that does not say which it is.
const NO_MODEL: [u8; 16] = [0; 16];

/// Whether the attestation leads to one of the roots; else why not, for the administrator.
///
/// The statement's signature was verified before. The roots stand for every model of their maker.
///
/// # Errors
/// A sentence.
pub fn by_root(
    roots: &[CertificateDer<'static>],
    attestation: &Attestation,
) -> Result<(), &'static str> {
    let Statement::Certificate { certificates, .. } = &attestation.statement else {
        return Err(match (&attestation.statement, attestation.format.as_str()) {
            (Statement::None, _) => "the key sent no attestation; no maker vouches for it",
            (Statement::Itself { .. }, _) => "the key attests itself; no maker vouches for it",
            (_, "fido-u2f") => {
                "a fido-u2f attestation signs neither the model nor the flags; use a key with \
                    packed attestation"
            }
            _ => {
                "the attestation has a format that does not count; use a key with packed \
                    attestation"
            }
        });
    };
    if attestation.aaguid.as_bytes() == &NO_MODEL {
        return Err("the key names no model (its AAGUID is zero)");
    }

    let chain = read_all(certificates).ok_or("a certificate of the attestation cannot be read")?;
    let mut list = AttestationCaListBuilder::new();
    let model = uuid::Uuid::from_bytes(*attestation.aaguid.as_bytes());
    for root in roots {
        if list.insert_device_der(root, model, "trusted maker".into(), BTreeMap::new()).is_err() {
            tracing::warn!("an attestation root is not usable");
        }
    }
    match verify_attestation_ca_chain(
        &ParsedAttestationData::Basic(chain),
        &list.build(),
        SystemTime::now(),
    ) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("the attestation of this key leads to no trusted root"),
        Err(error) => {
            tracing::info!(
                model = %attestation.aaguid,
                "attestation leads to no trusted root: {error:?}"
            );
            Err("the attestation of this key leads to no trusted root")
        }
    }
}

/// Whether a packed statement was signed by its first certificate, and that certificate is one for
/// authenticators (8.2.1) of this model. As the library does it for the credentials that it takes.
pub fn signed_by_certificate(
    certificates: &[Vec<u8>],
    signature: &[u8],
    message: &[u8],
    model: &[u8; 16],
) -> bool {
    let Some(chain) = read_all(certificates) else { return false };
    let Some(first) = chain.first() else { return false };
    matches!(webauthn_rs_core::crypto::verify_signature(first, signature, message), Ok(true))
        && assert_packed_attest_req(first).is_ok()
        && validate_extension::<FidoGenCeAaguid>(first, model).is_ok()
}

fn read_all(certificates: &[Vec<u8>]) -> Option<Vec<Certificate>> {
    certificates.iter().map(|der| Certificate::from_der(der).ok()).collect()
}
