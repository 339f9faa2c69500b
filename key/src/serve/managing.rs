//! What is done to a key besides logging in: a new credential, a PIN.

use std::time::{Duration, Instant};

use wardkey_core::message::key::{ForcePinChange, MakeCredential, Reply};
use wardkey_core::policy::pin::LENGTHS;

use super::convert;
use super::session::{MAX_KEY_WAIT, MAX_TOUCH_WAIT, Session, Stop, millis};
use crate::error::KeyError;
use crate::keys::{Limits, NewCredential, SecurityKey};
use crate::watch::{Watch, Woken};

/// What a key signs silently here. Nobody gets the signature, and it is no document of ours.
const SAME_KEY: &[u8] = b"is it the same key";

impl Session<'_> {
    pub(super) fn make_credential(&mut self, request: &MakeCredential) -> Result<Reply, Stop> {
        let wait = millis(request.wait_ms, MAX_KEY_WAIT);
        self.allow(wait + MAX_TOUCH_WAIT);
        let deadline = Instant::now() + wait;
        let mut key = self.the_one_key(Some(deadline))?;
        let exclude: Vec<Vec<u8>> =
            request.exclude.iter().map(|id| id.as_slice().to_vec()).collect();
        let mut limits = self.limits(MAX_TOUCH_WAIT);
        limits.deadline = limits.deadline.min(deadline);
        let wanted = NewCredential {
            pin: &request.pin,
            rp_id: request.rp_id.as_str(),
            user_handle: request.user_handle.as_slice(),
            user_name: &request.user_name,
            display_name: &request.display_name,
            client_data: request.client_data.as_slice(),
            algorithms: &request.algorithms,
            exclude: &exclude,
            protection: request.cred_protect,
            min_pin_length: request.min_pin_length,
        };
        let is_length = wanted.min_pin_length.is_none_or(|least| LENGTHS.contains(&least));
        let is_handle = (1..=64).contains(&wanted.user_handle.len());
        if !(1..=3).contains(&wanted.protection) || !is_handle || !is_length {
            return Err(Stop::Protocol("credential that no key can make"));
        }
        let registration = key.make_credential(&wanted, &limits)?;
        let info = key.info(&limits)?;
        Ok(convert::credential(registration, &info)?)
    }

    /// The key that the credential was made on has to be the one that is plugged in now: another
    /// one would lose a try, or have its PIN changed.
    pub(super) fn force_pin_change(&mut self, request: &ForcePinChange) -> Result<Reply, Stop> {
        self.change(|key, limits| {
            let held = [request.credential.as_slice().to_vec()];
            match key.identify(request.rp_id.as_str(), &held, SAME_KEY, limits)? {
                Some(_) => key.force_pin_change(&request.pin, limits),
                None => Err(KeyError::NoCredentials),
            }
        })
    }

    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut dyn SecurityKey, &Limits) -> Result<(), KeyError>,
    ) -> Result<Reply, Stop> {
        let wait = Duration::from_secs(30);
        self.allow(wait);
        let mut key = self.the_one_key(None)?;
        let limits = self.limits(wait);
        change(key.as_mut(), &limits)?;
        Ok(Reply::Done)
    }

    /// The only key that is plugged in; waits for one until `deadline` if there
    /// is one. What was identified before is let go.
    fn the_one_key(&mut self, deadline: Option<Instant>) -> Result<Box<dyn SecurityKey>, KeyError> {
        (self.held, self.search) = (None, None);
        self.wait_for_key(deadline.unwrap_or_else(Instant::now), |mut keys| {
            match (keys.pop(), keys.is_empty()) {
                (Some(key), true) => Ok(Some(key)),
                (Some(_), false) => Err(KeyError::Several),
                (None, _) => Ok(None),
            }
        })
        .map_err(|error| match (error, deadline) {
            (KeyError::NoKeyInTime, None) => KeyError::NoKey,
            (error, _) => error,
        })
    }

    /// Looks at the keys, and again after each change, until `choose` finds one.
    fn wait_for_key<T>(
        &mut self,
        deadline: Instant,
        mut choose: impl FnMut(Vec<Box<dyn SecurityKey>>) -> Result<Option<T>, KeyError>,
    ) -> Result<T, KeyError> {
        use std::os::fd::AsFd;
        if let Some(found) = choose(self.keys.list())? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(KeyError::NoKeyInTime);
        }
        let watch = Watch::new().map_err(KeyError::because("cannot watch /dev"))?;
        // A caller that is gone is noticed by its descriptor.
        let _ = self.reply(&Reply::Insert);
        loop {
            // Once more: one may have come before the watch began.
            if let Some(found) = choose(self.keys.list())? {
                return Ok(found);
            }
            if self.channel.borrow().has_message() {
                return Err(KeyError::Cancelled);
            }
            match watch.wait(Some(deadline), self.cancel.as_fd()) {
                Ok(Woken::Changed) => {}
                Ok(Woken::Caller) => return Err(KeyError::Cancelled),
                Ok(Woken::TimedOut) => return Err(KeyError::NoKeyInTime),
                Err(error) => return Err(KeyError::because("cannot watch /dev")(error)),
            }
        }
    }
}
