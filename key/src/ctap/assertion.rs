//! What a key signs: silently, to say whose it is; with a touch; with PIN and touch; by a finger.

use ctap_hid_fido2::FidoKeyHid;
use ctap_hid_fido2::fidokey::GetAssertionArgsBuilder;
use hidapi::Exchange;
use wardkey_core::message::key::Pin;

use super::library::{CtapKey, SINGLE, body, of_token};
use crate::answer::{self, Assertion};
use crate::error::KeyError;
use crate::keys::Limits;
use crate::pin::normalised;

impl CtapKey {
    /// The first of these credentials that it holds, asked silently, as many at once as fit.
    pub(super) fn find_held(
        &mut self,
        rp_id: &str,
        credentials: &[Vec<u8>],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Assertion>, KeyError> {
        let info = self.get_info(limits)?;
        let longest = info.max_credential_id.unwrap_or(usize::MAX);
        let possible: Vec<Vec<u8>> =
            credentials.iter().filter(|id| id.len() <= longest).cloned().collect();
        let mut rest = possible.as_slice();
        while !rest.is_empty() {
            let (asked, later) =
                rest.split_at_checked(Self::batch(&info, rp_id, rest)).unwrap_or((rest, &[]));
            rest = later;
            let mut arguments =
                GetAssertionArgsBuilder::new(rp_id, client_data).without_pin_and_uv().without_up();
            for id in asked {
                arguments = arguments.add_credential_id(id);
            }
            let arguments = arguments.build();
            let outcome = self.perform(&limits.for_step(), SINGLE, false, |library| {
                library.get_assertion_with_args(&arguments)
            });
            match first_assertion(outcome, asked) {
                Ok(assertion) if asked.contains(&assertion.credential_id) => {
                    return Ok(Some(assertion));
                }
                Ok(_) => return Err(KeyError::Malformed("a credential that was not asked for")),
                Err(KeyError::NoCredentials) => {}
                // What keys say that answer nothing without PIN or touch.
                Err(KeyError::Status(0x2b | 0x2c | 0x36 | 0x3b | 0x40) | KeyError::Denied) => {
                    return Err(KeyError::CannotIdentify);
                }
                // Some keys do nothing at all before their PIN is changed.
                Err(error) => return Err(of_token(error)),
            }
        }
        Ok(None)
    }

    /// Waits for a touch, without PIN.
    pub(super) fn wait_for_touch(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<(), KeyError> {
        if self.get_info(limits)?.always_uv {
            // It would want a PIN or a finger for an assertion; this asks for a touch and nothing
            // else (authenticatorSelection: CTAP 2.1, 6.9).
            return self.perform(limits, SINGLE, true, FidoKeyHid::selection).map(drop);
        }
        let arguments = GetAssertionArgsBuilder::new(rp_id, client_data)
            .without_pin_and_uv()
            .credential_id(credential)
            .build();
        let outcome = self
            .perform(limits, SINGLE, true, |library| library.get_assertion_with_args(&arguments));
        first_assertion(outcome, &[credential.to_vec()]).map(drop)
    }

    /// Signs with one credential: PIN, then touch.
    pub(super) fn sign(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        pin: &Pin,
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        self.ready_for_pin(limits)?;
        let pin = normalised(pin)?;
        let arguments = GetAssertionArgsBuilder::new(rp_id, client_data)
            .pin(&pin)
            .credential_id(credential)
            .build();
        let outcome =
            self.perform_with_pin(limits, |library| library.get_assertion_with_args(&arguments));
        match first_assertion(outcome, &[credential.to_vec()]) {
            Ok(assertion) if assertion.credential_id == credential => Ok(assertion),
            Ok(_) => Err(KeyError::Malformed("a credential that was not asked for")),
            Err(error) => Err(self.explain(of_token(error), limits)),
        }
    }

    /// Signs with one credential: a finger on the key's own sensor.
    pub(super) fn sign_by_finger(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        let info = self.get_info(limits)?;
        if !info.fingerprint {
            return Err(KeyError::Unsuitable("it knows no finger"));
        }
        let arguments = GetAssertionArgsBuilder::new(rp_id, client_data).credential_id(credential);
        // Without a PIN the library sets the option "uv".
        let arguments = if info.gives_tokens { arguments.pin(NO_PIN) } else { arguments }.build();
        let outcome = self.perform_by_finger(limits, rp_id, info.gives_tokens, |library| {
            library.get_assertion_with_args(&arguments)
        });
        match first_assertion(outcome, &[credential.to_vec()]) {
            Ok(assertion) if assertion.credential_id == credential => Ok(assertion),
            Ok(_) => Err(KeyError::Malformed("a credential that was not asked for")),
            Err(error) => Err(self.explain_finger(error, limits)),
        }
    }
}

/// What the library is given where a finger is asked for: it is sent nowhere.
const NO_PIN: &str = "none";

/// The first assertion of an outcome. An allow list leaves one to choose from,
/// so what a key says about more (up to 2^31) is not followed up: the library's
/// further requests end at the operation's bound, which is no failure here.
fn first_assertion(
    outcome: Result<Vec<Exchange>, KeyError>,
    asked: &[Vec<u8>],
) -> Result<Assertion, KeyError> {
    let exchanges = outcome?;
    let only = match asked {
        [only] => Some(only.as_slice()),
        _ => None,
    };
    answer::assertion(body(&exchanges, answer::GET_ASSERTION)?, only).map_err(KeyError::Malformed)
}
