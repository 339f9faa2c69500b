//! Which keys there are: once, or from now on.

use std::time::{Duration, Instant};

use wardkey_core::message::key::{Reply, Request};
use wardkey_ipc::IpcError;

use super::convert;
use super::session::{MAX_KEY_WAIT, SENDING, ServeError, Session};
use crate::error::KeyError;
use crate::keys::Description;
use crate::watch::{Watch, Woken};

impl Session<'_> {
    pub(super) fn list(&mut self) -> Reply {
        let wait = Duration::from_secs(10);
        self.allow(wait);
        let limits = self.limits(wait);
        let infos = self
            .keys
            .list()
            .into_iter()
            .map(|mut key| {
                convert::asked(key.as_mut(), false, &limits)
                    .unwrap_or_else(|error| convert::failed(key.description(), &error))
            })
            .collect();
        convert::keys(infos)
    }

    /// Tells of the keys at once and after each change; once more when one of them went and
    /// something came to its node before it was looked at, whatever that calls itself. The keys are
    /// not asked for details: a login may be using one of them.
    pub(super) fn watch(&mut self) -> Result<(), ServeError> {
        if self.caller.may_stay() {
            (self.watchdog)(None);
        } else {
            self.allow(MAX_KEY_WAIT);
        }
        let until = (!self.caller.may_stay()).then(|| Instant::now() + MAX_KEY_WAIT);
        let watch = Watch::new().map_err(std::io::Error::from)?;
        let mut told = None;
        loop {
            let replaced = watch.replaced();
            let now = self.keys.describe();
            let was_told = |told: &Vec<Description>| {
                replaced.iter().any(|node| told.iter().any(|key| key.path == *node))
            };
            if told.as_ref() != Some(&now) || told.as_ref().is_some_and(was_told) {
                let infos = now.iter().map(convert::described).collect();
                self.reply(&convert::keys(infos))?;
                told = Some(now);
            }
            let woken = {
                use std::os::fd::AsFd;
                watch.wait(until, self.cancel.as_fd())
            };
            match woken.map_err(std::io::Error::from)? {
                Woken::Changed => {}
                Woken::TimedOut => return Err(IpcError::TimedOut.into()),
                Woken::Caller => {
                    return match self.receive(SENDING)? {
                        Request::Cancel => {
                            self.reply(&Reply::Failed(convert::failure(&KeyError::Cancelled)))
                        }
                        _ => Err(IpcError::Closed.into()),
                    };
                }
            }
        }
    }
}
