//! Credentials are made: one algorithm after the other, and the key is asked whether a login could
//! begin with what it made.

use ctap_hid_fido2::fidokey::credential_management::credential_management_params as params;
use ctap_hid_fido2::fidokey::{
    CredentialExtension, CredentialSupportedKeyType, MakeCredentialArgsBuilder,
};
use ctap_hid_fido2::public_key_credential_user_entity::PublicKeyCredentialUserEntity;

use super::configuring::tells_length;
use super::library::{CtapKey, WITH_PIN, body, of_token};
use crate::answer::{self, Info, Registration};
use crate::error::KeyError;
use crate::keys::{Limits, NewCredential};
use crate::pin::normalised;

/// Length of a credential id that no key has.
const NOBODYS: usize = 32;

impl CtapKey {
    /// Makes a credential: PIN, then touch.
    pub(super) fn make(
        &mut self,
        credential: &NewCredential<'_>,
        limits: &Limits,
    ) -> Result<Registration, KeyError> {
        self.ready_for_pin(limits)?;
        let info = self.get_info(limits)?;
        if !info.resident_keys {
            return Err(KeyError::Unsuitable("it holds no discoverable credentials"));
        }
        // Keys that always verify their person answer silently all the same (CTAP 2.1, 6.2.2),
        // or should: asked for one that nobody has, before anything is made.
        if info.always_uv {
            let nobodys = [vec![0; NOBODYS]];
            self.find_held(credential.rp_id, &nobodys, credential.client_data, limits)?;
        }
        // What one list cannot hold is asked for beforehand.
        let most = Self::batch(&info, credential.rp_id, credential.exclude);
        let (excluded, asked_before) =
            credential.exclude.split_at_checked(most).unwrap_or((credential.exclude, &[]));
        if self.find_held(credential.rp_id, asked_before, credential.client_data, limits)?.is_some()
        {
            return Err(KeyError::CredentialExcluded);
        }
        // Before the credential is made: it says what holds by then, signed.
        if let Some(least) = credential.min_pin_length {
            let pin = normalised(credential.pin)?;
            self.set_least_length(&pin, (least, credential.rp_id), limits)?;
        }
        // One algorithm at a time, best first: some firmware takes the last of a list that it
        // knows. A key refuses an algorithm before it asks for a touch.
        let mut result = Err(KeyError::UnsupportedAlgorithm);
        for algorithm in credential.algorithms {
            let algorithm = match algorithm {
                -7 => CredentialSupportedKeyType::Ecdsa256,
                -8 => CredentialSupportedKeyType::Ed25519,
                _ => continue,
            };
            result = self.make_with(credential, excluded, algorithm, &info, limits);
            if !matches!(result, Err(KeyError::UnsupportedAlgorithm)) {
                break;
            }
        }
        let registration = result?;
        // A key may protect what it made more than it was asked to: then no login could begin. Told
        // now.
        let made = [registration.credential_id.clone()];
        match self.find_held(credential.rp_id, &made, credential.client_data, limits) {
            Ok(Some(_)) => Ok(registration),
            Ok(None) => Err(KeyError::CannotIdentify),
            Err(error) => Err(error),
        }
    }

    /// Makes a credential with one algorithm.
    fn make_with(
        &mut self,
        credential: &NewCredential<'_>,
        excluded: &[Vec<u8>],
        algorithm: CredentialSupportedKeyType,
        info: &Info,
        limits: &Limits,
    ) -> Result<Registration, KeyError> {
        let pin = normalised(credential.pin)?;
        let mut arguments =
            MakeCredentialArgsBuilder::new(credential.rp_id, credential.client_data)
                .pin(&pin)
                .resident_key()
                .key_type(algorithm)
                .user_entity(&PublicKeyCredentialUserEntity::new(
                    Some(credential.user_handle),
                    Some(credential.user_name),
                    Some(credential.display_name),
                ));
        for id in excluded {
            arguments = arguments.exclude_authenticator(id);
        }
        // A key without the extension makes credentials of level 1; the server
        // sees that in the authenticator data and judges.
        let mut extensions = Vec::new();
        if info.extensions.iter().any(|name| name == "credProtect") {
            let level = params::CredentialProtectionPolicy::from(u32::from(credential.protection));
            extensions.push(CredentialExtension::CredProtect(Some(level)));
        }
        if tells_length(info) {
            extensions.push(CredentialExtension::MinPinLength((Some(true), None)));
        }
        if !extensions.is_empty() {
            arguments = arguments.extensions(&extensions);
        }
        let arguments = arguments.build();
        let outcome = self.perform(limits, WITH_PIN, true, |library| {
            library.make_credential_with_args(&arguments)
        });
        let exchanges = outcome.map_err(|error| self.explain(of_token(error), limits))?;
        answer::registration(body(&exchanges, answer::MAKE_CREDENTIAL)?)
            .map_err(KeyError::Malformed)
    }
}

#[cfg(test)]
mod tests;
