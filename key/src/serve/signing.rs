//! The assertion, of a key that was identified before, and a new PIN for one.

use std::time::{Duration, Instant};

use wardkey_core::id::CredentialId;
use wardkey_core::message::key::{Assert, AssertByFinger, ChangePinOf, Reply};

use super::convert;
use super::session::{Held, MAX_TOUCH_WAIT, Session, Stop, millis};
use crate::caller::Caller;
use crate::keys::{Limits, STEP};

/// How long the change of a PIN may take: no person is waited for.
const PIN_CHANGE: Duration = Duration::from_secs(30);

/// What comes sooner than this was typed by nobody: a program goes on, and the key stays free.
pub(super) const AT_ONCE: Duration = Duration::from_millis(50);

impl Session<'_> {
    pub(super) fn assert(&mut self, request: &Assert) -> Result<Reply, Stop> {
        let wait = millis(request.wait_ms, MAX_TOUCH_WAIT);
        self.allow(wait);
        let limits = self.limits(wait);
        let credential = request.credential.as_slice();
        let held = self.identified(&request.path, &request.credential)?;
        let (key, tries) = (held.key.description().clone(), held.tries);
        let signed = held.key.assert(
            &held.rp_id,
            credential,
            request.client_data.as_slice(),
            &request.pin,
            &limits,
        );
        match &signed {
            Ok(_) => self.keys.pin_was_right(&key, credential, tries),
            Err(_) => self.keys.pin_is_tried(),
        }
        Ok(convert::assertion(signed?)?)
    }

    pub(super) fn assert_by_finger(&mut self, request: &AssertByFinger) -> Result<Reply, Stop> {
        let wait = millis(request.wait_ms, MAX_TOUCH_WAIT);
        self.allow(wait);
        let limits = self.limits(wait);
        let held = self.identified(&request.path, &request.credential)?;
        let assertion = held.key.assert_by_finger(
            &held.rp_id,
            request.credential.as_slice(),
            request.client_data.as_slice(),
            &limits,
        )?;
        Ok(convert::assertion(assertion)?)
    }

    /// A login whose key was just found asks a person for the PIN now. What the key is asked for
    /// before it gets the PIN is asked meanwhile, once.
    pub(super) fn prepare_for_pin(&mut self) {
        if self.caller != Caller::Root
            || self.search.as_mut().and_then(|(search, _)| search.sole_claim()).is_none()
            || self.speaks_within(AT_ONCE)
        {
            return;
        }
        self.allow(STEP);
        if let Some(key) = self.search.as_mut().and_then(|(search, _)| search.sole_claim()) {
            // What fails here fails again, and is told, when the PIN is there.
            let _ = key.prepare_for_pin(&Limits::until(Instant::now() + STEP));
        }
    }

    pub(super) fn change_pin_of(&mut self, request: &ChangePinOf) -> Result<Reply, Stop> {
        self.allow(PIN_CHANGE);
        let limits = self.limits(PIN_CHANGE);
        let held = self.identified(&request.path, &request.credential)?;
        held.key.change_pin(&request.old, &request.new, &limits)?;
        Ok(Reply::Done)
    }

    /// The key at this node, which claimed this credential: no other one gets a PIN.
    fn identified(&mut self, path: &str, credential: &CredentialId) -> Result<&mut Held, Stop> {
        if let Some((search, _)) = self.search.take() {
            let rp_id = search.rp_id().to_owned();
            let found = search.take(path, credential.as_slice());
            self.held = found.map(|(key, tries)| Held { key, rp_id, tries });
        }
        let held = self.held.as_mut().filter(|held| held.key.description().path == path);
        held.ok_or(Stop::Protocol("a PIN before identification"))
    }
}
