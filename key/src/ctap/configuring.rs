//! What a key is told to hold to from now on: how long PINs are, and that this one is changed
//! (authenticatorConfig, setMinPINLength: CTAP 2.1, 6.11.4).

use ctap_hid_fido2::FidoKeyHid;
use wardkey_core::message::key::Pin;

use super::library::{CtapKey, WITH_PIN, body, of_token, outcome, refused};
use crate::answer::{self, Info};
use crate::error::KeyError;
use crate::keys::Limits;
use crate::pin::normalised;

/// The extension by which a key says in a registration how long PINs are (CTAP 2.1, 12.4).
const MIN_PIN_LENGTH: &str = "minPinLength";

impl CtapKey {
    /// Tells a key that can that PINs have so many characters at least, and that it may say so to
    /// this relying party. A key that cannot, or will not, is left as it is.
    ///
    /// # Errors
    /// [`KeyError::PinPolicy`] for a PIN that is shorter itself: the key would have it changed
    /// before it made the credential. As for every exchange with a PIN.
    pub(super) fn set_least_length(
        &mut self,
        pin: &str,
        (least, rp_id): (u8, &str),
        limits: &Limits,
    ) -> Result<(), KeyError> {
        if pin.chars().count() < usize::from(least) {
            return Err(KeyError::PinPolicy);
        }
        let info = self.get_info(limits)?;
        if !info.takes_pin_rules {
            return Ok(());
        }

        // A key that has longer ones keeps to them.
        if info.min_pin_length < least {
            let set = |library: &FidoKeyHid| library.set_min_pin_length(least, Some(pin));
            if !self.configure(limits, set)? {
                return Ok(());
            }
            if let Some(info) = &mut self.info {
                info.min_pin_length = least;
            }
        }
        if tells_length(&info) && info.min_pin_length_rp_ids > 0 {
            let rp_ids = vec![rp_id.to_owned()];
            self.configure(limits, |library| library.set_min_pin_length_rpids(rp_ids, Some(pin)))?;
        }
        Ok(())
    }

    /// Has the key ask for another PIN.
    pub(super) fn have_pin_changed(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError> {
        self.ready_for_pin(limits)?;
        if !self.get_info(limits)?.takes_pin_rules {
            return Err(KeyError::Unsuitable("it cannot be told to have its PIN changed"));
        }
        let pin = normalised(pin)?;
        if !self.configure(limits, |library| library.force_change_pin(Some(&pin)))? {
            return Err(KeyError::Denied);
        }
        if let Some(info) = &mut self.info {
            info.force_pin_change = true;
        }
        Ok(())
    }

    /// Configures the key, with a token for that alone. False: the key took the PIN, and declined.
    fn configure<T>(
        &mut self,
        limits: &Limits,
        body_of: impl FnOnce(&FidoKeyHid) -> T,
    ) -> Result<bool, KeyError> {
        let record = self.record(&limits.for_step(), WITH_PIN, false, body_of);
        let came_so_far = record.exchanges.len() == WITH_PIN;
        if came_so_far && refused(&record.exchanges).is_some() {
            return Ok(false);
        }

        let exchanges = outcome(record).map_err(|error| self.explain(of_token(error), limits))?;
        if !came_so_far || !body(&exchanges, answer::CONFIG)?.is_empty() {
            return Err(KeyError::Malformed("the library did not get to the end"));
        }
        Ok(true)
    }
}

/// Whether the key can say in a registration how long PINs are.
pub(super) fn tells_length(info: &Info) -> bool {
    info.extensions.iter().any(|name| name == MIN_PIN_LENGTH)
}

#[cfg(test)]
mod tests;
