//! A key as the library sees it: an operation of the library is run, and what came of it is read
//! from the transport's record.

use std::ffi::CString;

use ctap_hid_fido2::{FidoKeyHid, HidParam, LibCfg};
use hidapi::operation::Correct;
use hidapi::{Event, Exchange, ExchangeError, Known, Operation, Record, Transport};

use crate::answer::{self, Info, Retries};
use crate::error::KeyError;
use crate::keys::{Description, Limits};

/// Requests that an operation may send at most, the channel's allocation included.
pub(super) const OPENING: usize = 2;
pub(super) const SINGLE: usize = 1;
/// getKeyAgreement, getPinToken, and the request itself.
pub(super) const WITH_PIN: usize = 3;
/// getKeyAgreement and the request itself.
pub(super) const PIN_CHANGE: usize = 2;

/// Bytes of a request besides its credential ids, and per id, rounded up.
const REQUEST_OVERHEAD: usize = 96;
const ID_OVERHEAD: usize = 32;
/// Longest request that the library cuts into packets correctly.
const LIBRARY_MAX_REQUEST: usize = 5900;

/// An open key.
pub(crate) struct CtapKey {
    pub(super) description: Description,
    pub(super) library: FidoKeyHid,
    /// What it said that it can do.
    pub(super) info: Option<Info>,
    /// Its half of a key agreement, asked for ahead, for the next PIN. A key makes another one when
    /// it loses its power and after each wrong PIN, so any exchange but that of the PIN drops it.
    agreement: Option<Known>,
}

impl CtapKey {
    /// Takes over the way to a key. Nothing is sent yet.
    pub fn open(description: Description, link: Box<dyn Transport>) -> Result<Self, KeyError> {
        let path = description.path.clone();
        let c_path = CString::new(path.as_str()).map_err(KeyError::because("device path"))?;
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
            .map_err(KeyError::because("device cannot be opened"))?;
        Ok(Self { description, library, info: None, agreement: None })
    }

    /// Runs `body` within `limits` and gives what was exchanged, if every
    /// request was answered with success.
    pub(super) fn perform<T>(
        &mut self,
        limits: &Limits,
        max_exchanges: usize,
        touch: bool,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Result<Vec<Exchange>, KeyError> {
        outcome(self.record(limits, max_exchanges, touch, body))
    }

    /// Runs `body` within `limits` and gives what happened.
    pub(super) fn record<T>(
        &mut self,
        limits: &Limits,
        max_exchanges: usize,
        touch: bool,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Record {
        // Whatever it is, the key may agree anew.
        self.agreement = None;
        let correct = Box::new(super::order::in_order);
        self.run(limits, (max_exchanges, touch), None, correct, body)
    }

    /// As [`CtapKey::perform`], with the key agreement that was asked for ahead, if there is one.
    pub(super) fn perform_with_pin<T>(
        &mut self,
        limits: &Limits,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Result<Vec<Exchange>, KeyError> {
        let known = self.agreement.take();
        let correct = Box::new(super::order::in_order);
        outcome(self.run(limits, (WITH_PIN, true), known, correct, body))
    }

    /// The same, with a finger in the place of the PIN: for a token, or with the request itself.
    pub(super) fn perform_by_finger<T>(
        &mut self,
        limits: &Limits,
        rp_id: &str,
        for_token: bool,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Result<Vec<Exchange>, KeyError> {
        if !for_token {
            return outcome_of_finger(self.record(limits, SINGLE, true, body), for_token);
        }
        let known = self.agreement.take();
        let rp_id = rp_id.to_owned();
        let correct =
            Box::new(move |request: &mut Vec<u8>| super::order::by_finger(&rp_id, request));
        outcome_of_finger(self.run(limits, (WITH_PIN, true), known, correct, body), for_token)
    }

    fn run<T>(
        &self,
        limits: &Limits,
        (max_exchanges, touch): (usize, bool),
        known: Option<Known>,
        correct: Correct,
        body: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Record {
        let on_touch = limits.on_touch.clone();
        let mut operation = Operation::new(limits.deadline, max_exchanges, answer::inspect);
        operation.known = known;
        operation.cancel.clone_from(&limits.cancel);
        operation.touch = touch;
        operation.correct = correct;
        operation.on_event = Box::new(move |event| {
            if event == Event::TouchNeeded {
                on_touch();
            }
        });
        hidapi::run(operation, || body(&self.library)).1
    }

    /// What it can do. Asked once, then remembered.
    pub(super) fn get_info(&mut self, limits: &Limits) -> Result<Info, KeyError> {
        if let Some(info) = &self.info {
            return Ok(info.clone());
        }
        let exchanges = self.perform(&limits.for_step(), OPENING, false, FidoKeyHid::get_info)?;
        let info =
            answer::info(body(&exchanges, answer::GET_INFO)?).map_err(KeyError::Malformed)?;
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

    /// PIN tries left.
    pub(super) fn get_retries(&mut self, limits: &Limits) -> Result<Retries, KeyError> {
        self.get_info(limits)?;
        let exchanges =
            self.perform(&limits.for_step(), SINGLE, false, FidoKeyHid::get_pin_retries)?;
        answer::retries(body(&exchanges, answer::CLIENT_PIN)?).map_err(KeyError::Malformed)
    }

    /// Adds the tries of the sensor to a finger that was wrong.
    pub(super) fn explain_finger(&mut self, error: KeyError, limits: &Limits) -> KeyError {
        if !matches!(error, KeyError::FingerWrong { .. }) {
            return error;
        }
        let tries = self
            .perform(&limits.for_step(), SINGLE, false, FidoKeyHid::get_uv_retries)
            .and_then(|exchanges| {
                answer::finger_tries(body(&exchanges, answer::CLIENT_PIN)?)
                    .map_err(KeyError::Malformed)
            });
        KeyError::FingerWrong { tries_left: tries.ok() }
    }

    /// Largest number of leading `ids` that one request may carry.
    pub(super) fn batch(info: &Info, rp_id: &str, ids: &[Vec<u8>]) -> usize {
        let mut room = info
            .max_message
            .min(LIBRARY_MAX_REQUEST)
            .saturating_sub(REQUEST_OVERHEAD + rp_id.len());
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
    pub(super) fn ready_for_pin(&mut self, limits: &Limits) -> Result<(), KeyError> {
        let info = self.get_info(limits)?;
        match info.client_pin {
            None => Err(KeyError::Unsuitable("it has no PIN")),
            Some(false) => Err(KeyError::PinNotSet),
            Some(true) if info.force_pin_change => Err(KeyError::PinMustChange),
            Some(true) => Ok(()),
        }
    }

    /// Asks for the key's half of the key agreement, so that a PIN finds it there.
    pub(super) fn agree_ahead(&mut self, limits: &Limits) -> Result<(), KeyError> {
        if self.agreement.is_some() {
            return Ok(());
        }
        self.ready_for_pin(limits)?;
        let exchanges = self.perform(
            &limits.for_step(),
            SINGLE,
            false,
            FidoKeyHid::get_authenticator_key_agreement,
        )?;
        let answer = match exchanges.as_slice() {
            [Exchange { answer, .. }] => answer.clone(),
            _ => return Err(KeyError::Malformed("the library did not get to the end")),
        };
        // authenticatorClientPIN, {1: protocol, 2: getKeyAgreement}: CTAP 2.1, 6.5.5.4.
        let protocol = self.library.pin_protocol_version;
        let request = vec![answer::CLIENT_PIN, 0xa2, 0x01, protocol, 0x02, 0x02];
        self.agreement = Some(Known { request, answer });
        Ok(())
    }

    /// Adds the tries left to a refused PIN.
    pub(super) fn explain(&mut self, error: KeyError, limits: &Limits) -> KeyError {
        match error {
            KeyError::PinWrong { .. } => KeyError::PinWrong {
                tries_left: self.get_retries(&limits.for_step()).ok().map(|retries| retries.left),
            },
            other => other,
        }
    }
}

/// What was exchanged, if every request was answered with success.
pub(super) fn outcome(record: Record) -> Result<Vec<Exchange>, KeyError> {
    // Statuses first: a library that stumbles over an error changes nothing about it.
    match (refused(&record.exchanges), record.failure) {
        (Some(status), _) => Err(KeyError::from_status(status)),
        // More than was needed has been stopped; whether what was needed is
        // there, the caller sees from the last exchange.
        (None, Some(ExchangeError::TooMany) | None) => Ok(record.exchanges),
        (None, Some(failure)) => Err(failure.into()),
    }
}

/// The same where a finger was asked for. Most that a key says in the place of one leaves its PIN
/// good: it is kept as the status that it is, and ends nothing. What ended on our side does.
fn outcome_of_finger(record: Record, for_token: bool) -> Result<Vec<Exchange>, KeyError> {
    /// CTAP1_ERR_CHANNEL_BUSY.
    const BUSY: u8 = 0x06;
    let status = refused(&record.exchanges);
    outcome(record).map_err(|error| match (error, status) {
        (
            known @ (KeyError::FingerWrong { .. }
            | KeyError::FingerBlocked
            | KeyError::TouchTimeout
            | KeyError::NoCredentials),
            _,
        ) => known,
        // As keys of CTAP 2.0 say it; with a token it is another refusal.
        (KeyError::Denied, _) if !for_token => KeyError::FingerWrong { tries_left: None },
        (_, Some(status)) => KeyError::Status(status),
        (KeyError::Busy, None) => KeyError::Status(BUSY),
        (failure, None) => failure,
    })
}

/// The status other than 0 of the last answer, if it has one.
pub(super) fn refused(exchanges: &[Exchange]) -> Option<u8> {
    exchanges
        .last()
        .filter(|exchange| exchange.command.is_some())
        .and_then(|exchange| exchange.answer.first().copied())
        .filter(|status| *status != 0)
}

/// The data of the answer to `command`, which must be the last.
pub(super) fn body(exchanges: &[Exchange], command: u8) -> Result<&[u8], KeyError> {
    match exchanges.last() {
        Some(Exchange { command: Some(last), answer }) if *last == command => {
            Ok(answer.split_first().map(|(_, body)| body).unwrap_or_default())
        }
        _ => Err(KeyError::Malformed("the library did not get to the end")),
    }
}

/// What PIN_POLICY_VIOLATION means where no PIN is set (CTAP 2.1, 6.5.5.7.1): the one that the key
/// has must be changed before the key takes it.
pub(super) fn of_token(error: KeyError) -> KeyError {
    if error == KeyError::PinPolicy { KeyError::PinMustChange } else { error }
}
