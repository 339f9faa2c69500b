//! Registrations of EdDSA keys, which webauthn-rs-core 0.6 does not take (WebAuthn level 3, 7.1,
//! the same steps). ES256 comes first in what keys are asked for, so only a key without it comes
//! here.
//!
//! The statement must hold: none, packed by the credential itself, or packed by a certificate.
//! Whether the certificate leads to a trusted root is asked for every key alike
//! ([`super::attested`]).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::cose_key::{Algorithm, PublicKey};
use wardkey_core::id::CredentialId;

use super::attested::signed_by_certificate;
use super::auth_data::{Attestation, Statement};
use crate::error::{Error, Result};

/// The longest clientDataJSON in bytes that is looked at.
const MAX_CLIENT_DATA: usize = 4096;

/// What the client states (5.8.1); unknown members are passed over, as the standard asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// What a registration must answer.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The challenge.
    pub challenge: &'a [u8],
    /// The origin.
    pub origin: &'a str,
    /// Credentials that the key must not have.
    pub exclude: &'a [CredentialId],
}

/// Verifies everything but the signed facts, which [`Attestation::check`] does for every key.
///
/// # Errors
/// [`Code::RegistrationRefused`] with the check that failed; [`Code::ChallengeExpired`] for another
/// challenge.
pub fn verify(
    attestation: &Attestation,
    client_data: &[u8],
    expected: &Expected<'_>,
) -> Result<()> {
    let bad = |why: &str| Err(Error::refused(Code::RegistrationRefused, why));
    if client_data.len() > MAX_CLIENT_DATA {
        return bad("client data too long");
    }
    let Ok(data) = serde_json::from_slice::<ClientData>(client_data) else {
        return bad("client data malformed");
    };
    if data.kind != "webauthn.create" {
        return bad("client data of another kind");
    }
    if data.challenge != Base64UrlUnpadded::encode_string(expected.challenge) {
        return Err(Error::refused(
            Code::ChallengeExpired,
            "the challenge is not the one of this registration",
        ));
    }
    if data.origin != expected.origin || data.cross_origin {
        return bad("made for another origin");
    }
    if expected.exclude.contains(&attestation.credential_id) {
        return bad("the person has this credential");
    }
    let key = PublicKey::from_cose(&attestation.public_key);
    let Some(key) = key.ok().filter(|key| key.algorithm() == Algorithm::EdDsa) else {
        return bad("not an EdDSA key");
    };
    let message = [&attestation.auth_data[..], sha256(client_data).as_bytes()].concat();
    let holds = match &attestation.statement {
        Statement::None => true,
        Statement::Itself { algorithm, signature } => {
            *algorithm == Algorithm::EdDsa.cose() && key.verifies(&message, signature)
        }
        // The certificate's key says by which algorithm it signs.
        Statement::Certificate { signature, certificates } => {
            signed_by_certificate(certificates, signature, &message, attestation.aaguid.as_bytes())
        }
        Statement::Other => false,
    };
    if holds { Ok(()) } else { bad("the attestation statement does not hold") }
}
