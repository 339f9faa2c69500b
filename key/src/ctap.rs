//! The one place that knows `ctap-hid-fido2`: keys over its requests and its PIN
//! protocols, over our transport.
//!
//! The library drives the sequence of requests and does the cryptography of the
//! PIN. What came of it is read from the transport's record, not from the
//! library: its errors are texts, its results lose bytes, and it may panic.
//!
//! ```text
//!   this file     the key as the trait has it; PINs
//!     configuring what a key is told to hold to
//!     making      credentials
//!     assertion   what the key signs, silently or with PIN and touch
//!     library     one operation of the library, and its record
//!     order       what the library writes, as CTAP has it
//! ```

mod assertion;
mod configuring;
mod library;
mod making;
mod order;

use hidapi::{Exchange, Record};
use wardkey_core::message::key::Pin;

use crate::answer::{self, Assertion, Info, Registration, Retries};
use crate::error::KeyError;
use crate::keys::{Description, Limits, NewCredential, SecurityKey};
use crate::pin::normalised;
use library::{PIN_CHANGE, body, outcome, refused};

pub(crate) use library::CtapKey;

impl SecurityKey for CtapKey {
    fn description(&self) -> &Description {
        &self.description
    }

    fn info(&mut self, limits: &Limits) -> Result<Info, KeyError> {
        self.get_info(limits)
    }

    fn retries(&mut self, limits: &Limits) -> Result<Retries, KeyError> {
        self.get_retries(limits)
    }

    fn identify(
        &mut self,
        rp_id: &str,
        credentials: &[Vec<u8>],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Assertion>, KeyError> {
        self.find_held(rp_id, credentials, client_data, limits)
    }

    fn touch(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<(), KeyError> {
        self.wait_for_touch(rp_id, credential, client_data, limits)
    }

    fn prepare_for_pin(&mut self, limits: &Limits) -> Result<(), KeyError> {
        self.agree_ahead(limits)
    }

    fn assert(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        pin: &Pin,
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        self.sign(rp_id, credential, client_data, pin, limits)
    }

    fn assert_by_finger(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        self.sign_by_finger(rp_id, credential, client_data, limits)
    }

    fn make_credential(
        &mut self,
        credential: &NewCredential<'_>,
        limits: &Limits,
    ) -> Result<Registration, KeyError> {
        self.make(credential, limits)
    }

    fn set_pin(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError> {
        let info = self.get_info(limits)?;
        match info.client_pin {
            None => return Err(KeyError::Unsuitable("it has no PIN")),
            Some(true) => return Err(KeyError::PinAlreadySet),
            Some(false) => {}
        }
        let pin = normalised(pin)?;
        check_new_pin(&info, &pin)?;
        let exchanges = self
            .perform(&limits.for_step(), PIN_CHANGE, false, |library| library.set_new_pin(&pin))?;
        self.pin_was_set(&exchanges)
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin, limits: &Limits) -> Result<(), KeyError> {
        let info = self.get_info(limits)?;
        match info.client_pin {
            None => return Err(KeyError::Unsuitable("it has no PIN")),
            Some(false) => return Err(KeyError::PinNotSet),
            Some(true) => {}
        }
        let (old, new) = (normalised(old)?, normalised(new)?);
        check_new_pin(&info, &new)?;
        let record = self.record(&limits.for_step(), PIN_CHANGE, false, |library| {
            library.change_pin(&old, &new)
        });
        let in_doubt = is_change_in_doubt(&record);
        let changed = outcome(record)
            .map_err(|error| self.explain(error, limits))
            .and_then(|exchanges| self.pin_was_set(&exchanges));
        match changed {
            Err(error) if in_doubt => Err(KeyError::PinChangeUnknown { why: error.to_string() }),
            changed => changed,
        }
    }

    fn force_pin_change(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError> {
        self.have_pin_changed(pin, limits)
    }
}

/// Whether the key may have another PIN although it did not say so: it had the whole change, and
/// what came is no answer that says that nothing was done.
fn is_change_in_doubt(record: &Record) -> bool {
    /// CTAP1_ERR_OTHER, and from here on statuses of extensions and vendors (CTAP 2.1, 8.2).
    const OTHER: u8 = 0x7f;
    const FIRST_OF_OTHERS: u8 = 0xe0;
    match record.exchanges.len() {
        // The key agreement was answered, and then no more.
        1 => record.in_doubt,
        PIN_CHANGE => match refused(&record.exchanges) {
            Some(status) => status == OTHER || status >= FIRST_OF_OTHERS,
            // Success with something that does not belong there.
            None => true,
        },
        _ => false,
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

fn check_new_pin(info: &Info, pin: &str) -> Result<(), KeyError> {
    if pin.chars().count() < usize::from(info.min_pin_length) {
        return Err(KeyError::PinPolicy);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
