//! Looking for the key of a login among the devices that are plugged in.
//!
//! ```text
//!   plugged ─ asked ─┬─ claims a credential ── told; proven? the caller knows: passed over or held
//!                    ├─ holds none of them ─── asked for further ones, if any; another may come
//!                    ├─ tells nothing silently
//!                    ├─ no key for us ──────── as if it were not there
//!                    └─ silent, busy, broken ─ asked again later, after the others
//! ```
//! Devices are hostile: one that is slow or broken costs the others little time, and one that was
//! just plugged in is asked before those that failed.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::id::CredentialId;
use wardkey_core::message::key::{Claim, Identified, Identify, MAX_DEVICES, Reply};

use super::convert;
use crate::error::KeyError;
use crate::keys::{Description, Limits, SecurityKey};

/// How long a device may take for a step, and in all for its first turn, besides [`PER_ID`].
const STEP: Duration = Duration::from_secs(1);
const TURN: Duration = Duration::from_millis(1500);
/// Added to a turn per credential that is asked for; halved with each time that the device has
/// failed.
const PER_ID: Duration = Duration::from_millis(10);
/// Credentials of one search.
const MAX_CREDENTIALS: usize = 1 << 15;
/// When a device that failed is asked again: doubled each time.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the other devices are waited for when one has claimed a credential and all are to be
/// told.
const OTHERS: Duration = Duration::from_secs(3);

/// What a device said to the question whose it is.
enum State {
    /// Not asked yet, or it failed that often.
    Ask { failed: u32, not_before: Instant, error: Option<KeyError> },
    /// It claims to hold a credential.
    Claims(Box<Claim>),
    /// It holds none of those asked for.
    Unregistered,
    /// It tells nothing without its PIN or a touch, or before its PIN is changed.
    TellsNothing(KeyError),
    /// No key that can be used here; as if it were not plugged in.
    Unsuitable(KeyError),
    /// It claimed and did not prove it.
    PassedOver,
}

impl State {
    fn new() -> Self {
        Self::Ask { failed: 0, not_before: Instant::now(), error: None }
    }

    fn failed(&self) -> u32 {
        match self {
            Self::Ask { failed, .. } => *failed,
            _ => 0,
        }
    }
}

struct Device {
    key: Box<dyn SecurityKey>,
    state: State,
    /// How many pages of credentials it holds none of.
    pages: usize,
    /// How long it has taken in all: the quickest is asked for the next page first.
    spent: Duration,
}

/// The way to the next page of credentials.
enum Page {
    /// Ask this device for it.
    Of(usize),
    /// Have the caller name it.
    Further,
}

/// What to do next.
pub(super) enum Next {
    /// Ask a device for the first time: the one with this number.
    Ask(usize),
    /// Ask one again that failed.
    AskAgain(usize),
    /// Tell the caller of those that claim a credential.
    Tell(Box<Identified>),
    /// Have the caller name further credentials: a key holds none of those that were named.
    AskFurther,
    /// Wait for a change, until then at the latest.
    Wait(Option<Instant>),
}

/// One search, over all that is plugged and unplugged while it lasts.
pub(super) struct Search {
    rp_id: String,
    /// Credentials, by pages: one that is plugged in later is asked for all of them.
    wanted: Vec<Vec<Vec<u8>>>,
    /// The caller can name further ones.
    more: bool,
    /// The caller was asked for them.
    awaits: bool,
    client_data: Vec<u8>,
    /// All that are plugged in are asked.
    pub every: bool,
    devices: Vec<Device>,
    /// Whose claims the caller has heard: told again when others make any.
    told: Vec<String>,
    /// When the first claim was made that is to be told with others.
    first_claim: Option<Instant>,
    /// One that failed was asked again since the last page.
    retried: bool,
}

impl Search {
    pub fn new(request: &Identify) -> Self {
        Self {
            rp_id: request.rp_id.to_string(),
            wanted: vec![request.allow.iter().map(|id| id.as_slice().to_vec()).collect()],
            more: request.more == Some(true),
            awaits: false,
            client_data: request.client_data.as_slice().to_vec(),
            every: request.every,
            devices: Vec::new(),
            told: Vec::new(),
            first_claim: None,
            retried: false,
        }
    }

    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }

    /// Looks for further credentials as well; false when they were not asked for, or are too many.
    #[must_use]
    pub fn ask_further(&mut self, allow: &[CredentialId], more: bool) -> bool {
        let named: usize = self.wanted.iter().map(Vec::len).sum();
        if !std::mem::take(&mut self.awaits) || named + allow.len() > MAX_CREDENTIALS {
            return false;
        }
        // An empty list would ask for any credential.
        if !allow.is_empty() {
            self.wanted.push(allow.iter().map(|id| id.as_slice().to_vec()).collect());
        }
        self.more = more && !allow.is_empty();
        true
    }

    /// Waits for a touch of the key that claims a credential at this node.
    ///
    /// # Errors
    /// [`KeyError::NoCredentials`] when none does; and those of the key.
    pub fn touch(&mut self, path: &str, limits: &Limits) -> Result<(), KeyError> {
        for device in &mut self.devices {
            if let State::Claims(claim) = &device.state
                && device.key.description().path == path
            {
                let credential = claim.proof.credential.as_slice();
                return device.key.touch(&self.rp_id, credential, &self.client_data, limits);
            }
        }
        Err(KeyError::NoCredentials)
    }

    /// Takes note of what is plugged in now. `replaced` are nodes that came or went meanwhile: what
    /// stands there now is another device, whatever it calls itself.
    pub fn look(&mut self, plugged: Vec<Box<dyn SecurityKey>>, replaced: &[String]) {
        let was = std::mem::take(&mut self.devices);
        let mut was: Vec<Device> = was
            .into_iter()
            .filter(|device| !replaced.contains(&device.key.description().path))
            .collect();
        for key in plugged.into_iter().take(MAX_DEVICES) {
            let same = was.iter().position(|device| device.key.description() == key.description());
            self.devices.push(match same {
                Some(index) => {
                    let device = was.swap_remove(index);
                    // One that failed is asked anew, over a channel of its own. Of the others the
                    // open descriptor is kept: while it is open the kernel gives its node to no
                    // other device.
                    if device.state.failed() > 0 { Device { key, ..device } } else { device }
                }
                None => Device { key, state: State::new(), pages: 0, spent: Duration::ZERO },
            });
        }
    }

    /// What to do next; those that were not asked yet come first.
    pub fn next(&mut self) -> Next {
        let now = Instant::now();
        let waiting =
            self.devices.iter().enumerate().filter_map(|(index, device)| match device.state {
                State::Ask { failed, not_before, .. } => Some((index, failed, not_before)),
                _ => None,
            });
        let first = waiting.min_by_key(|(_, failed, not_before)| (*failed > 0, *not_before));
        let claim = self.devices.iter().filter(|device| matches!(device.state, State::Claims(_)));
        let path = |device: &Device| device.key.description().path.clone();
        let claim: Vec<String> = claim.map(path).collect();
        if claim.is_empty() {
            // A device that comes to the node of one that is gone is news.
            self.told.clear();
            self.first_claim = None;
        }
        let is_news = !claim.is_empty() && claim != self.told;
        let is_fresh = matches!(first, Some((_, 0, _)));
        let is_late = self.first_claim.is_some_and(|first| first.elapsed() > OTHERS);
        let further = self.next_page();
        // Everybody who may be meant has a while to make a claim of their own.
        let is_to_tell = is_news && (!self.every || is_late || (!is_fresh && further.is_none()));
        match (further, first) {
            (_, Some((index, 0, _))) if !is_to_tell => Next::Ask(index),
            _ if is_to_tell => {
                self.told = claim;
                self.claims().map_or(Next::Wait(None), |claims| Next::Tell(Box::new(claims)))
            }
            (Some(page), failed) => {
                // In turn with those that failed: neither keeps the other waiting.
                let failed = failed.filter(|(_, _, not_before)| *not_before <= now);
                let may_retry = !self.retried;
                self.retried = failed.is_some() && may_retry;
                match failed {
                    Some((index, ..)) if may_retry => Next::AskAgain(index),
                    _ => match page {
                        Page::Of(index) => Next::AskAgain(index),
                        Page::Further => {
                            self.awaits = true;
                            Next::AskFurther
                        }
                    },
                }
            }
            (None, Some((index, _, not_before))) if not_before <= now => Next::AskAgain(index),
            (None, Some((_, _, not_before))) => Next::Wait(Some(not_before)),
            (None, None) => Next::Wait(None),
        }
    }

    /// What brings a key that holds none of what it was asked for on: the quickest first, so that
    /// one that is slow on purpose does not keep the others from their pages.
    fn next_page(&self) -> Option<Page> {
        let holds_none = |device: &Device| matches!(device.state, State::Unregistered);
        let devices = self.devices.iter().enumerate().filter(|(_, device)| holds_none(device));
        let (index, device) = devices.min_by_key(|(_, device)| device.spent)?;
        if device.pages < self.wanted.len() {
            return Some(Page::Of(index));
        }
        if self.more {
            return Some(Page::Further);
        }
        // The quickest is through: now the others.
        let behind =
            |(_, device): &(usize, &Device)| holds_none(device) && device.pages < self.wanted.len();
        self.devices.iter().enumerate().find(behind).map(|(index, _)| Page::Of(index))
    }

    fn claims(&self) -> Option<Identified> {
        let mut claims = self.devices.iter().filter_map(|device| match &device.state {
            State::Claims(claim) => Some((**claim).clone()),
            _ => None,
        });
        let first = claims.next()?;
        Some(Identified {
            key: first.key,
            credential: Some(first.proof.credential.clone()),
            proof: Some(first.proof),
            others: List::new(claims.collect()).ok(),
            alone: None,
        })
    }

    /// Asks a device; which ones have many PIN tries left, `has_many_tries` says.
    ///
    /// # Errors
    /// [`KeyError::Cancelled`] when the caller wants something else, by `cancelled`; nothing else
    /// ends a search.
    pub fn ask(
        &mut self,
        index: usize,
        limits: &Limits,
        cancelled: impl Fn() -> bool,
        has_many_tries: impl Fn(&Description, &[u8]) -> bool,
    ) -> Result<(), KeyError> {
        let Some(device) = self.devices.get_mut(index) else { return Ok(()) };
        // One that holds none of a page is asked for the next one when the others had their turn.
        let Some(wanted) = self.wanted.get(device.pages) else { return Ok(()) };
        let ids = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        let begun = Instant::now();
        let turn = begun + TURN + (PER_ID * ids) / (1 << device.state.failed().min(8));
        let limits = Limits { deadline: limits.deadline.min(turn), step: STEP, ..limits.clone() };
        let answer = device.key.identify(&self.rp_id, wanted, &self.client_data, &limits).and_then(
            |found| {
                let Some(assertion) = found else {
                    device.pages += 1;
                    return Ok(State::Unregistered);
                };
                let proof = convert::key_assertion(assertion)?;
                let known = has_many_tries(device.key.description(), proof.credential.as_slice());
                let key = convert::asked(device.key.as_mut(), known, &limits)?;
                Ok(State::Claims(Box::new(Claim { key, proof })))
            },
        );
        device.spent += begun.elapsed();
        if matches!(answer, Ok(State::Claims(_))) {
            self.first_claim.get_or_insert_with(Instant::now);
        }
        let failed = device.state.failed().saturating_add(1);
        device.state = match answer {
            Ok(state) => state,
            Err(KeyError::Cancelled) if cancelled() => return Err(KeyError::Cancelled),
            Err(error @ (KeyError::CannotIdentify | KeyError::PinMustChange)) => {
                State::TellsNothing(error)
            }
            Err(error @ KeyError::Unsuitable(_)) => State::Unsuitable(error),
            Err(error) => {
                let pause = PAUSE.saturating_mul(1 << failed.min(8)).min(LONGEST_PAUSE);
                State::Ask { failed, not_before: Instant::now() + pause, error: Some(error) }
            }
        };
        Ok(())
    }

    /// The key whose claim the caller was told, if it is the only one.
    pub fn sole_claim(&mut self) -> Option<&mut dyn SecurityKey> {
        let [told] = self.told.as_slice() else { return None };
        let mut devices = self.devices.iter_mut();
        let device = devices.find(|device| device.key.description().path == *told)?;
        matches!(device.state, State::Claims(_)).then_some(device.key.as_mut())
    }

    /// Leaves devices alone that claimed something and did not prove it.
    pub fn pass_over(&mut self, paths: &[String]) {
        for device in &mut self.devices {
            if paths.contains(&device.key.description().path)
                && matches!(device.state, State::Claims(_))
            {
                device.state = State::PassedOver;
            }
        }
        self.told.retain(|told| !paths.contains(told));
    }

    /// What the caller is to be told while it waits.
    pub fn progress(&self) -> Reply {
        if self.has_unregistered() {
            return Reply::Unregistered(Code::KeyNotRegistered);
        }
        self.tells_nothing().map_or(Reply::Insert, |why| Reply::Unregistered(why.code()))
    }

    fn has_unregistered(&self) -> bool {
        self.devices.iter().any(|device| matches!(device.state, State::Unregistered))
    }

    /// Why a key tells nothing, if there is one.
    fn tells_nothing(&self) -> Option<&KeyError> {
        self.devices.iter().find_map(|device| match &device.state {
            State::TellsNothing(why) => Some(why),
            _ => None,
        })
    }

    /// Why nothing was found, when the time is over.
    pub fn failure(&self) -> KeyError {
        if self.has_unregistered() {
            return KeyError::NoCredentials;
        }
        if let Some(why) = self.tells_nothing() {
            return why.clone();
        }
        let fault = self.devices.iter().find_map(|device| match &device.state {
            State::Ask { error: Some(error), .. } | State::Unsuitable(error) => Some(error.clone()),
            _ => None,
        });
        fault.filter(|error| *error != KeyError::Removed).unwrap_or(KeyError::NoKeyInTime)
    }

    /// Takes the key that claims this credential at this node, and its PIN tries; the search ends.
    /// Another device may claim the same: which of them proved it, the caller knows.
    pub fn take(self, path: &str, credential: &[u8]) -> Option<(Box<dyn SecurityKey>, Option<u8>)> {
        self.devices.into_iter().find_map(|device| match &device.state {
            State::Claims(claim)
                if device.key.description().path == path
                    && claim.proof.credential.as_slice() == credential =>
            {
                Some((device.key, claim.key.details.as_ref().and_then(|details| details.pin_tries)))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
