//! From what a key said to the messages between the rooms.

use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::message::key::{
    KeyAssertion, KeyCredential, KeyDetails, KeyFailure, KeyInfo, MAX_DEVICES, Reply,
};
use wardkey_core::name::printable;

use crate::answer::{Assertion, Info, Registration};
use crate::error::KeyError;
use crate::keys::{Description, Limits, SecurityKey};

const MAX_KEYS: usize = MAX_DEVICES;
const MAX_VERSIONS: usize = 16;
const MAX_VERSION: usize = 32;

pub(super) fn failure(error: &KeyError) -> KeyFailure {
    KeyFailure {
        code: error.code(),
        status: error.status(),
        tries_left: match error {
            KeyError::PinWrong { tries_left } | KeyError::FingerWrong { tries_left } => *tries_left,
            KeyError::PinBlocked => Some(0),
            _ => None,
        },
        detail: Some(error.to_string()),
    }
}

pub(super) fn keys(mut infos: Vec<KeyInfo>) -> Reply {
    infos.truncate(MAX_KEYS);
    Reply::Keys(List::new(infos).unwrap_or_default())
}

/// A key that was not asked.
pub(super) fn described(description: &Description) -> KeyInfo {
    KeyInfo {
        path: description.path.clone(),
        vendor: description.vendor,
        product: description.product,
        name: description.name.clone(),
        details: None,
        problem: None,
    }
}

/// A key that was asked and did not answer.
pub(super) fn failed(description: &Description, error: &KeyError) -> KeyInfo {
    KeyInfo { problem: Some(error.code()), ..described(description) }
}

/// A key that is asked for its details and, where they may be few, its PIN tries.
pub(super) fn asked(
    key: &mut dyn SecurityKey,
    has_many_tries: bool,
    limits: &Limits,
) -> Result<KeyInfo, KeyError> {
    let info = key.info(limits)?;
    let tries = match info.client_pin {
        Some(true) if !has_many_tries => match key.retries(limits) {
            Ok(retries) => Some(retries.left),
            // It would rather not say.
            Err(KeyError::Status(_)) => None,
            Err(error) => return Err(error),
        },
        _ => None,
    };
    Ok(KeyInfo { details: Some(details(&info, tries)), ..described(key.description()) })
}

fn details(info: &Info, pin_tries: Option<u8>) -> KeyDetails {
    let versions = info
        .versions
        .iter()
        .take(MAX_VERSIONS)
        .map(|version| printable(version, MAX_VERSION))
        .collect();
    KeyDetails {
        aaguid: Aaguid::new(info.aaguid),
        versions: List::new(versions).unwrap_or_default(),
        pin_set: info.client_pin == Some(true),
        pin_must_change: info.force_pin_change,
        min_pin_length: info.min_pin_length,
        pin_tries,
        takes_pin_rules: Some(info.takes_pin_rules),
        fingerprint: Some(info.fingerprint),
    }
}

pub(super) fn assertion(assertion: Assertion) -> Result<Reply, KeyError> {
    key_assertion(assertion).map(Reply::Assertion)
}

pub(super) fn key_assertion(assertion: Assertion) -> Result<KeyAssertion, KeyError> {
    let long = |_| KeyError::Malformed("assertion longer than any");
    Ok(KeyAssertion {
        credential: CredentialId::new(assertion.credential_id).map_err(long)?,
        auth_data: Bytes::new(assertion.authenticator_data).map_err(long)?,
        signature: Bytes::new(assertion.signature).map_err(long)?,
        user_handle: assertion.user_handle.map(Bytes::new).transpose().map_err(long)?,
    })
}

pub(super) fn credential(registration: Registration, info: &Info) -> Result<Reply, KeyError> {
    let long = |_| KeyError::Malformed("registration longer than any");
    Ok(Reply::Credential(KeyCredential {
        credential: CredentialId::new(registration.credential_id).map_err(long)?,
        attestation_object: Bytes::new(registration.attestation_object).map_err(long)?,
        aaguid: Aaguid::new(info.aaguid),
        min_pin_length: Some(info.min_pin_length),
    }))
}
