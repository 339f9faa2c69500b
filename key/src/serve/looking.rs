//! The search of a login, as a request: what the caller is told meanwhile, and until when.

use std::time::{Duration, Instant};

use wardkey_core::message::key::Reply;

use super::search::{Next, Search};
use super::session::{MAX_KEY_WAIT, Session, Stop};
use crate::error::KeyError;
use crate::keys::Limits;
use crate::watch::{Watch, Woken};

/// The longest wait for another key while one is plugged in that is registered, but not for this
/// name: whoever mistyped the name has been told, and shall not wait a minute for the refusal.
const BESIDE_ANOTHER: Duration = Duration::from_secs(30);
/// The longest that asking all devices once may take: 16 that hardly answer.
const FIRST_ROUND: Duration = Duration::from_secs(30);

impl Session<'_> {
    /// Goes on with the search, to the next answer.
    pub(super) fn search(&mut self) -> Result<Reply, Stop> {
        let Some((mut search, deadline)) = self.search.take() else {
            return Err(Stop::Protocol("nothing is looked for"));
        };
        let outcome = self.look_for(&mut search, deadline);
        self.search = Some((search, deadline));
        Ok(outcome?)
    }

    fn look_for(&mut self, search: &mut Search, whole: Instant) -> Result<Reply, KeyError> {
        self.allow(whole.saturating_duration_since(Instant::now()).max(FIRST_ROUND));
        let limits = self.limits(MAX_KEY_WAIT);
        let ready = std::mem::take(&mut self.ready);
        let plugged = if ready.is_empty() { self.keys.list() } else { ready };
        search.look(plugged, &[]);
        let mut watch = None;
        let mut told = None;
        let mut deadline = whole;
        let first_round = Instant::now() + FIRST_ROUND;
        loop {
            let next = search.next();
            // What was plugged in at the beginning is asked once, however little time there is.
            let is_first_round = watch.is_none()
                && matches!(next, Next::Ask(_) | Next::Tell(_))
                && Instant::now() < first_round;
            if Instant::now() >= deadline && !is_first_round {
                return Err(search.failure());
            }
            match next {
                Next::Ask(index) | Next::AskAgain(index) => {
                    let until = if is_first_round { first_round } else { deadline };
                    let limits = Limits { deadline: until, ..limits.clone() };
                    let keys = &*self.keys;
                    search.ask(
                        index,
                        &limits,
                        || self.caller_waits(),
                        |key, credential| keys.has_many_tries(key, credential),
                    )?;
                }
                Next::Tell(mut claims) => {
                    // Counted anew: also what cannot be asked is there.
                    let is_alone = search.every && self.keys.is_only_one();
                    claims.alone = is_alone.then_some(true);
                    return Ok(Reply::Identified(*claims));
                }
                Next::AskFurther => return Ok(Reply::NoneYet),
                Next::Wait(until) => {
                    let watch = match &mut watch {
                        Some(watch) => &*watch,
                        // Before the first wait once more: one may have come before the watch
                        // began.
                        none => {
                            let begun = Watch::new()
                                .map_err(|_| KeyError::Internal("cannot watch /dev"))?;
                            search.look(self.keys.list(), &[]);
                            *none = Some(begun);
                            continue;
                        }
                    };
                    let progress = search.progress();
                    if told.as_ref() != Some(&progress) {
                        deadline = match progress {
                            Reply::Unregistered(_) => whole.min(Instant::now() + BESIDE_ANOTHER),
                            _ => whole,
                        };
                        // A caller that is gone is noticed by its descriptor.
                        let _ = self.reply(&progress);
                        told = Some(progress);
                    }
                    self.wait_for_change(
                        watch,
                        until.map_or(deadline, |until| until.min(deadline)),
                    )?;
                    search.look(self.keys.list(), &watch.replaced());
                }
            }
        }
    }

    /// Waits until something was plugged in or out, or until then.
    fn wait_for_change(&self, watch: &Watch, until: Instant) -> Result<(), KeyError> {
        use std::os::fd::AsFd;
        if self.channel.borrow().has_message() {
            return Err(KeyError::Cancelled);
        }
        match watch.wait(Some(until), self.cancel.as_fd()) {
            Ok(Woken::Changed | Woken::TimedOut) => Ok(()),
            Ok(Woken::Caller) => Err(KeyError::Cancelled),
            Err(_) => Err(KeyError::Internal("cannot watch /dev")),
        }
    }
}
