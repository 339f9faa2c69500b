//! The one place that knows `ctap-hid-fido2`: keys over its requests and its PIN
//! protocols, over our transport.
//!
//! The library drives the sequence of requests and does the cryptography of the
//! PIN. What came of it is read from the transport's record, not from the
//! library: its errors are texts, its results lose bytes, and it may panic.

use std::ffi::CString;

use ctap_hid_fido2::fidokey::credential_management::credential_management_params::CredentialProtectionPolicy;
use ctap_hid_fido2::fidokey::{
    CredentialExtension, CredentialSupportedKeyType, GetAssertionArgsBuilder, MakeCredentialArgsBuilder,
};
use ctap_hid_fido2::public_key_credential_user_entity::PublicKeyCredentialUserEntity;
use ctap_hid_fido2::{FidoKeyHid, HidParam, LibCfg};
use hidapi::{Event, Exchange, Failure, Operation, Transport};
use wardkey_core::message::key::Pin;

use crate::KeyError;
use crate::answer::{self, Assertion, Info, Registration, Retries};
use crate::keys::{Description, Limits, NewCredential, SecurityKey};
use crate::pin::normalised;

/// Requests that an operation may send at most, the channel's allocation included.
const OPENING: usize = 2;
const SINGLE: usize = 1;
/// getKeyAgreement, getPinToken, and the request itself.
const WITH_PIN: usize = 3;
/// getKeyAgreement and the request itself.
const PIN_CHANGE: usize = 2;

/// Bytes of a request besides its credential ids, and per id, rounded up.
const REQUEST_OVERHEAD: usize = 96;
const ID_OVERHEAD: usize = 32;
/// Longest request that the library cuts into packets correctly.
const LIBRARY_MAX_REQUEST: usize = 5900;

/// An open key.
pub(crate) struct CtapKey {
    description: Description,
    library: FidoKeyHid,
    info: Option<Info>,
}

impl CtapKey {
    /// Takes over the way to a key. Nothing is sent yet.
    pub fn open(description: Description, link: Box<dyn Transport>) -> Result<Self, KeyError> {
        let path = description.path.clone();
        let c_path = CString::new(path.as_str()).map_err(|_| KeyError::Internal("device path"))?;
        hidapi::prepare(c_path, link);
        let configuration = LibCfg {
            enable_log: false,
            use_pre_bio_enrollment: false,
            use_pre_credential_management: false,
            enable_keep_alive_msg: false,
            keep_alive_msg: String::new(),
            keep_alive_msg_to_stderr: false,
        };
        let library = FidoKeyHid::new(&[HidParam::Path(path)], &configuration)
            .map_err(|_| KeyError::Internal("device cannot be opened"))?;
        Ok(Self { description, library, info: None })
    }

    /// Runs `body` within `limits` and gives what was exchanged, if every
    /// request was answered with success.
    fn perform<T>(
        &self,
        limits: &Limits,
        max_exchanges: usize,
        touch: bool,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Result<Vec<Exchange>, KeyError> {
        let on_touch = limits.on_touch.clone();
        let mut operation = Operation::new(limits.deadline, max_exchanges, answer::inspect);
        operation.cancel.clone_from(&limits.cancel);
        operation.touch = touch;
        operation.on_event = Box::new(move |event| {
            if event == Event::TouchNeeded {
                on_touch();
            }
        });
        let (_, record) = hidapi::run(operation, || body(&self.library));
        // Statuses first: a library that stumbles over an error changes nothing about it.
        let refused = record
            .exchanges
            .last()
            .filter(|exchange| exchange.command.is_some())
            .and_then(|exchange| exchange.answer.first().copied())
            .filter(|status| *status != 0);
        match (refused, record.failure) {
            (Some(status), _) => Err(KeyError::from_status(status)),
            // More than was needed has been stopped; whether what was needed is
            // there, the caller sees from the last exchange.
            (None, Some(Failure::TooMany) | None) => Ok(record.exchanges),
            (None, Some(failure)) => Err(failure.into()),
        }
    }

    /// Largest number of leading `ids` that one request may carry.
    fn batch(info: &Info, rp_id: &str, ids: &[Vec<u8>]) -> usize {
        let mut room = info.max_message.min(LIBRARY_MAX_REQUEST).saturating_sub(REQUEST_OVERHEAD + rp_id.len());
        let most = info.max_credentials_in_list.unwrap_or(usize::MAX);
        let fitting = ids
            .iter()
            .take(most)
            .take_while(|id| match room.checked_sub(id.len() + ID_OVERHEAD) {
                Some(left) => {
                    room = left;
                    true
                }
                None => false,
            })
            .count();
        fitting.max(1)
    }

    /// What must hold before a PIN is worth sending.
    fn ready_for_pin(&mut self, limits: &Limits) -> Result<(), KeyError> {
        let info = self.info(limits)?;
        match info.client_pin {
            None => Err(KeyError::Unsuitable("it has no PIN")),
            Some(false) => Err(KeyError::PinNotSet),
            Some(true) if info.force_pin_change => Err(KeyError::PinMustChange),
            Some(true) => Ok(()),
        }
    }

    /// Adds the tries left to a refused PIN.
    fn explain(&mut self, error: KeyError, limits: &Limits) -> KeyError {
        match error {
            KeyError::PinWrong { .. } => {
                KeyError::PinWrong { tries_left: self.retries(&limits.for_step()).ok().map(|retries| retries.left) }
            }
            other => other,
        }
    }
}

/// The data of the answer to `command`, which must be the last.
fn body(exchanges: &[Exchange], command: u8) -> Result<&[u8], KeyError> {
    match exchanges.last() {
        Some(Exchange { command: Some(last), answer }) if *last == command => {
            Ok(answer.split_first().map(|(_, body)| body).unwrap_or_default())
        }
        _ => Err(KeyError::Malformed("the library did not get to the end")),
    }
}

impl SecurityKey for CtapKey {
    fn description(&self) -> &Description {
        &self.description
    }

    fn info(&mut self, limits: &Limits) -> Result<Info, KeyError> {
        if let Some(info) = &self.info {
            return Ok(info.clone());
        }
        let exchanges = self.perform(&limits.for_step(), OPENING, false, FidoKeyHid::get_info)?;
        let info = answer::info(body(&exchanges, answer::GET_INFO)?).map_err(KeyError::Malformed)?;
        // The key names its protocols in its order of preference.
        let protocol = info.pin_protocols.iter().find(|version| matches!(version, 1 | 2));
        match protocol {
            Some(version) => self.library.pin_protocol_version = *version,
            None if info.client_pin.is_some() => {
                return Err(KeyError::Unsuitable("its PIN protocols are unknown"));
            }
            None => {}
        }
        self.info = Some(info.clone());
        Ok(info)
    }

    fn retries(&mut self, limits: &Limits) -> Result<Retries, KeyError> {
        self.info(limits)?;
        let exchanges = self.perform(&limits.for_step(), SINGLE, false, FidoKeyHid::get_pin_retries)?;
        answer::retries(body(&exchanges, answer::CLIENT_PIN)?).map_err(KeyError::Malformed)
    }

    fn identify(
        &mut self,
        rp_id: &str,
        credentials: &[Vec<u8>],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Assertion>, KeyError> {
        let info = self.info(limits)?;
        let longest = info.max_credential_id.unwrap_or(usize::MAX);
        let possible: Vec<Vec<u8>> = credentials.iter().filter(|id| id.len() <= longest).cloned().collect();
        let mut rest = possible.as_slice();
        while !rest.is_empty() {
            let (asked, later) = rest.split_at_checked(Self::batch(&info, rp_id, rest)).unwrap_or((rest, &[]));
            rest = later;
            let mut arguments = GetAssertionArgsBuilder::new(rp_id, client_data).without_pin_and_uv().without_up();
            for id in asked {
                arguments = arguments.add_credential_id(id);
            }
            let arguments = arguments.build();
            let outcome =
                self.perform(&limits.for_step(), SINGLE, false, |library| library.get_assertion_with_args(&arguments));
            match first_assertion(outcome, asked) {
                Ok(assertion) if asked.contains(&assertion.credential_id) => return Ok(Some(assertion)),
                Ok(_) => return Err(KeyError::Malformed("a credential that was not asked for")),
                Err(KeyError::NoCredentials) => {}
                // What keys say that answer nothing without PIN or touch.
                Err(KeyError::Status(0x2b | 0x2c | 0x36 | 0x3b | 0x40) | KeyError::Denied) => {
                    return Err(KeyError::CannotIdentify);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn touch(&mut self, rp_id: &str, credential: &[u8], client_data: &[u8], limits: &Limits) -> Result<(), KeyError> {
        self.info(limits)?;
        let arguments =
            GetAssertionArgsBuilder::new(rp_id, client_data).without_pin_and_uv().credential_id(credential).build();
        let outcome = self.perform(limits, SINGLE, true, |library| library.get_assertion_with_args(&arguments));
        first_assertion(outcome, &[credential.to_vec()]).map(drop)
    }

    fn assert(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        pin: &Pin,
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        self.ready_for_pin(limits)?;
        let pin = normalised(pin)?;
        let arguments = GetAssertionArgsBuilder::new(rp_id, client_data).pin(&pin).credential_id(credential).build();
        let outcome = self.perform(limits, WITH_PIN, true, |library| library.get_assertion_with_args(&arguments));
        match first_assertion(outcome, &[credential.to_vec()]) {
            Ok(assertion) if assertion.credential_id == credential => Ok(assertion),
            Ok(_) => Err(KeyError::Malformed("a credential that was not asked for")),
            Err(error) => Err(self.explain(of_token(error), limits)),
        }
    }

    fn make_credential(&mut self, credential: &NewCredential<'_>, limits: &Limits) -> Result<Registration, KeyError> {
        self.ready_for_pin(limits)?;
        let info = self.info(limits)?;
        if !info.resident_keys {
            return Err(KeyError::Unsuitable("it holds no discoverable credentials"));
        }
        if info.always_uv {
            return Err(KeyError::CannotIdentify);
        }
        // What one list cannot hold is asked for beforehand.
        let most = Self::batch(&info, credential.rp_id, credential.exclude);
        let (excluded, asked_before) = credential.exclude.split_at_checked(most).unwrap_or((credential.exclude, &[]));
        if self.identify(credential.rp_id, asked_before, credential.client_data, limits)?.is_some() {
            return Err(KeyError::CredentialExcluded);
        }
        // One algorithm at a time, best first: some firmware takes the last of a list that it knows. A key
        // refuses an algorithm before it asks for a touch.
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
        // A key may protect what it made more than it was asked to: then no login could begin. Told now.
        let made = [registration.credential_id.clone()];
        match self.identify(credential.rp_id, &made, credential.client_data, limits) {
            Ok(Some(_)) => Ok(registration),
            Ok(None) => Err(KeyError::CannotIdentify),
            Err(error) => Err(error),
        }
    }

    fn set_pin(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError> {
        let info = self.info(limits)?;
        match info.client_pin {
            None => return Err(KeyError::Unsuitable("it has no PIN")),
            Some(true) => return Err(KeyError::PinAlreadySet),
            Some(false) => {}
        }
        let pin = normalised(pin)?;
        check_new_pin(&info, &pin)?;
        let exchanges = self.perform(&limits.for_step(), PIN_CHANGE, false, |library| library.set_new_pin(&pin))?;
        self.pin_was_set(&exchanges)
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin, limits: &Limits) -> Result<(), KeyError> {
        let info = self.info(limits)?;
        match info.client_pin {
            None => return Err(KeyError::Unsuitable("it has no PIN")),
            Some(false) => return Err(KeyError::PinNotSet),
            Some(true) => {}
        }
        let (old, new) = (normalised(old)?, normalised(new)?);
        check_new_pin(&info, &new)?;
        let outcome = self.perform(&limits.for_step(), PIN_CHANGE, false, |library| library.change_pin(&old, &new));
        let exchanges = outcome.map_err(|error| self.explain(error, limits))?;
        self.pin_was_set(&exchanges)
    }
}

impl CtapKey {
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
        let mut arguments = MakeCredentialArgsBuilder::new(credential.rp_id, credential.client_data)
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
        if info.extensions.iter().any(|name| name == "credProtect") {
            let level = CredentialProtectionPolicy::from(u32::from(credential.protection));
            arguments = arguments.extensions(&[CredentialExtension::CredProtect(Some(level))]);
        }
        let arguments = arguments.build();
        let outcome = self.perform(limits, WITH_PIN, true, |library| library.make_credential_with_args(&arguments));
        let exchanges = outcome.map_err(|error| self.explain(of_token(error), limits))?;
        answer::registration(body(&exchanges, answer::MAKE_CREDENTIAL)?).map_err(KeyError::Malformed)
    }
}

impl CtapKey {
    fn pin_was_set(&mut self, exchanges: &[Exchange]) -> Result<(), KeyError> {
        // The key agreement's answer has a body, the setting's has none.
        if exchanges.len() != PIN_CHANGE || !body(exchanges, answer::CLIENT_PIN)?.is_empty() {
            return Err(KeyError::Malformed("the library did not get to the end"));
        }
        if let Some(info) = &mut self.info {
            info.client_pin = Some(true);
            info.force_pin_change = false;
        }
        Ok(())
    }
}

/// What PIN_POLICY_VIOLATION means where no PIN is set (CTAP 2.1, 6.5.5.7.1): the one that the key has must be
/// changed before the key takes it.
fn of_token(error: KeyError) -> KeyError {
    if error == KeyError::PinPolicy { KeyError::PinMustChange } else { error }
}

fn check_new_pin(info: &Info, pin: &str) -> Result<(), KeyError> {
    if pin.chars().count() < usize::from(info.min_pin_length) {
        return Err(KeyError::PinPolicy);
    }
    Ok(())
}

/// The first assertion of an outcome. An allow list leaves one to choose from,
/// so what a key says about more (up to 2^31) is not followed up: the library's
/// further requests end at the operation's bound, which is no failure here.
fn first_assertion(outcome: Result<Vec<Exchange>, KeyError>, asked: &[Vec<u8>]) -> Result<Assertion, KeyError> {
    let exchanges = outcome?;
    let only = match asked {
        [only] => Some(only.as_slice()),
        _ => None,
    };
    answer::assertion(body(&exchanges, answer::GET_ASSERTION)?, only).map_err(KeyError::Malformed)
}

#[cfg(test)]
mod tests;
