//! Another PIN for a key: found, proven and held as for a login, and nobody is let in.
//!
//! ```text
//!   establish ─ the old PIN, the new one, once more ─> until_held ─> announced ─> ChangePinOf
//!    (of several keys of the person                                     │             │
//!     the one that is touched)                        killed: recorded <┴─> recorded <┘
//! ```
//! What cannot be a PIN is asked again or refused before the key hears of it. The agent hears
//! before the key that it is asked. From that moment on nothing is taken back: a key process that
//! is lost then leaves open which PIN holds.

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{ChangePinOf, Pin};
use wardkey_core::texts;
use wardkey_ipc::{Channel, Deadline};

use super::agent::{Ended, Interrupted, Start, unexpected};
use super::attempt::{Attempt, ProvenKey};
use super::chosen_pin::ChosenPin;
use super::question::not_sent;
use super::request::Login;
use super::requests::{AgentRequest, KeyRequest};
use super::states::{Established, Held, Recognised, Recognition};
use crate::refusal::Refusal;
use crate::world::World;

/// Times that a new PIN is asked for.
const MAX_ASKED: u8 = 3;
/// Fewest characters of a PIN (CTAP 2.1, 6.5.1).
const LEAST: u8 = 4;

/// Whether a PIN can be changed here at all: nothing is asked of anybody, and no key.
///
/// # Errors
/// The [`Refusal`], which nobody was told.
pub fn can_change_pin(world: World<'_>, login: &Login) -> Result<(), Refusal> {
    if login.remote {
        return Err(Refusal::new(Code::RemoteSession, "comes over the network"));
    }
    // The key process changes the PIN of a proven key for root only.
    if !world.machine.may_write() {
        return Err(Refusal::new(Code::KeyAccessDenied, "not a program of root's"));
    }
    world.sockets.agent().map_err(|error| Refusal::agent(&error))?;
    world.sockets.key(true).map_err(|error| Refusal::key(&error))?;
    Ok(())
}

/// Changes the PIN of the person's key.
///
/// # Errors
/// The [`Refusal`], which the person was told and the agent records.
pub fn change_pin(world: World<'_>, login: &Login) -> Result<(), Refusal> {
    let mut attempt = Attempt::new(world, login)?;
    attempt.change_pin().map(drop).map_err(|ended| attempt.refuse(ended))
}

impl Attempt<'_, '_> {
    pub(super) fn change_pin(&mut self) -> Result<ChosenPin, Ended> {
        let Established::Key(recognised) = self.establish(Start::Anew, None)? else {
            // Codes are not asked for.
            return Err(unexpected("the person").into());
        };
        let recognised = *recognised;
        let (old, new) = match self.ask_pins(&recognised.recognition) {
            Ok(pins) => pins,
            Err(refusal) => return Err(Ended { refusal, agent: Some(recognised.agent) }),
        };
        let Held(recognised) = self.until_held(recognised)?;
        let Recognised { mut agent, key, recognition } = recognised;

        let Recognition { person, proven, path, .. } = recognition;
        let credential = proven.credential().clone();
        let proven = ProvenKey::of(&person, &proven);
        if let Err(refusal) = self.announce(&mut agent, &proven) {
            return Err(Ended { refusal, agent: Some(agent) });
        }
        let chosen = ChosenPin { pin: new.clone(), credential: credential.clone() };
        let request = KeyRequest::ChangePinOf(ChangePinOf { old, new, credential, path });
        if let Err(refusal) = self.have_changed(key, request) {
            return Err(Ended { refusal, agent: Some(agent) });
        }
        let patience = self.world.timeouts.outcome;
        let recorded = self.deliver(Some(agent), Some(&proven), LoginResult::PinChanged, patience);
        if let Err(error) = recorded {
            // It is changed all the same, and the person must know.
            let (code, why) = (error.code, error.detail);
            self.world.journal.error(&format!("a changed PIN was not recorded: {code}: {why}"));
        }
        self.speaker.inform(self.world.talk, Notice::PinChanged);
        Ok(chosen)
    }

    /// Tells the agent that the key is asked now: this is on record even if the application is
    /// killed before it knows what came of it.
    fn announce(&mut self, agent: &mut Channel, proven: &ProvenKey) -> Result<(), Refusal> {
        let ProvenKey { person, proof } = proven.clone();
        let request = AgentRequest::PinChange { person, proof: Box::new(proof) };
        self.ask_to_hold(agent, &request).map_err(|interrupted| match interrupted {
            Interrupted::Refused(refusal) | Interrupted::AgentLost(refusal) => refusal,
            Interrupted::OtherLogin => Refusal::new(Code::KeyInUse, "another login took the key"),
            Interrupted::Anew => Refusal::new(Code::AgentUnreachable, "the agent was restarted"),
        })
    }

    /// # Errors
    /// Why the key has the PIN that it had; or that this is not known, where the change may have
    /// reached it.
    fn have_changed(&mut self, mut key: Channel, request: KeyRequest) -> Result<(), Refusal> {
        let unknown = |refusal: Refusal| Refusal { code: Code::PinChangeUnknown, ..refusal };
        let wait = self.world.settings.touch_wait + self.world.timeouts.signature_grace;
        match self.exchange(&mut key, request, None, Deadline::after(wait)) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(unknown(unexpected("key process"))),
            Err(failed) if failed.is_lost => Err(unknown(failed.refusal)),
            Err(failed) => Err(failed.refusal),
        }
    }

    /// The PIN that the key has, and another one.
    fn ask_pins(&mut self, recognition: &Recognition) -> Result<(Pin, Pin), Refusal> {
        let old = self.ask_pin_of(recognition, Prompt::PinOldPrompt)?;
        let details = recognition.details.as_ref();
        let least = details.map_or(LEAST, |details| details.min_pin_length.max(LEAST));
        let mut asked = 1;
        loop {
            match self.ask_new_pin(least, &old) {
                Err(refusal) if asked < MAX_ASKED && is_asked_again(refusal.code) => {
                    self.world.talk.error(&refusal.text(self.speaker.language));
                    asked += 1;
                }
                new => return new.map(|new| (old, new)),
            }
        }
    }

    fn ask_new_pin(&mut self, least: u8, old: &Pin) -> Result<Pin, Refusal> {
        let args = [("least", &*least.to_string())];
        let question = texts::message(Prompt::PinNewPrompt, self.speaker.language, &args);
        let typed = self.typed(question, None)?;
        let new = Pin::chosen(typed, least, Some(old)).map_err(not_sent)?;
        let question = texts::message(Prompt::PinAgainPrompt, self.speaker.language, &[]);
        let again = self.typed(question, None)?;
        if again.as_str() == new.expose() { Ok(new) } else { Err(not_sent(Code::PinsDiffer)) }
    }
}

/// Whether the person can mend it.
const fn is_asked_again(code: Code) -> bool {
    matches!(
        code,
        Code::PinEmpty
            | Code::PinLength
            | Code::PinInputMethod
            | Code::PinPolicy
            | Code::PinSame
            | Code::PinsDiffer
    )
}
