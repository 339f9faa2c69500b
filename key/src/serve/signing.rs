//! The assertion, of a key that was identified before.

use wardkey_core::message::key::{Assert, Reply};

use super::convert;
use super::session::{Held, MAX_TOUCH_WAIT, Session, Stop, millis};

impl Session<'_> {
    pub(super) fn assert(&mut self, request: &Assert) -> Result<Reply, Stop> {
        let wait = millis(request.wait_ms, MAX_TOUCH_WAIT);
        self.allow(wait);
        let limits = self.limits(wait);
        if let Some((search, _)) = self.search.take() {
            let rp_id = search.rp_id().to_owned();
            self.held = search
                .take(&request.path, request.credential.as_slice())
                .map(|key| Held { key, rp_id });
        }
        let held = self.held.as_mut().filter(|held| held.key.description().path == request.path);
        let held = held.ok_or(Stop::Protocol("assertion before identification"))?;
        let assertion = held.key.assert(
            &held.rp_id,
            request.credential.as_slice(),
            request.client_data.as_slice(),
            &request.pin,
            &limits,
        )?;
        Ok(convert::assertion(assertion)?)
    }
}
