//! Another PIN for a key: found, proven and held as for a login, and nobody is let in.
//!
//! ```text
//!   establish ─ the old PIN, the new one, once more ─> until_held ─> ChangePinOf ─> recorded
//! ```
//! What cannot be a PIN is asked again or refused before the key hears of it. From the moment at
//! which it does, nothing is taken back: a key process that is lost then leaves open which PIN
//! holds.

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{ChangePinOf, Pin};
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use super::agent::{Ended, Start, unexpected};
use super::attempt::{Attempt, ProvenKey};
use super::question::not_sent;
use super::request::Login;
use super::requests::KeyRequest;
use super::states::{Answered, Established, Held, Recognised, Recognition};
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
    attempt.change_pin().map_err(|ended| attempt.refuse(ended))
}

impl Attempt<'_, '_> {
    fn change_pin(&mut self) -> Result<(), Ended> {
        let Established::Key(recognised) = self.establish(Start::Anew, None)? else {
            // Codes are not asked for.
            return Err(unexpected("the person").into());
        };
        let recognised = *recognised;
        let (pin, new) = match self.ask_pins(&recognised.recognition) {
            Ok(pins) => pins,
            Err(refusal) => return Err(Ended { refusal, agent: Some(recognised.agent) }),
        };
        let held = self.until_held(Answered { recognised, pin })?;
        let Held(Answered { recognised: Recognised { agent, key, recognition }, pin: old }) = held;

        let Recognition { person, proven, path, .. } = recognition;
        let credential = proven.credential().clone();
        let request = KeyRequest::ChangePinOf(ChangePinOf { old, new, credential, path });
        let wait = self.world.settings.touch_wait + self.world.timeouts.signature_grace;
        if let Err(refusal) = self.exchange(key, request, Deadline::after(wait)) {
            return Err(Ended { refusal: in_doubt(refusal), agent: Some(agent) });
        }
        let proven = ProvenKey::of(&person, &proven);
        let patience = self.world.timeouts.outcome;
        let recorded = self.deliver(Some(agent), Some(&proven), LoginResult::PinChanged, patience);
        if let Err(error) = recorded {
            // It is changed all the same, and the person must know.
            let (code, why) = (error.code, error.detail);
            self.world.journal.error(&format!("a changed PIN was not recorded: {code}: {why}"));
        }
        self.speaker.inform(self.world.talk, Notice::PinChanged);
        Ok(())
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

/// What was heard, or that nobody knows whether the key did it.
fn in_doubt(refusal: Refusal) -> Refusal {
    match refusal.code {
        Code::KeyProcessUnreachable
        | Code::KeyInUse
        | Code::KeyRemoved
        | Code::KeyFault
        | Code::TouchTimeout
        | Code::Cancelled
        | Code::Internal => Refusal { code: Code::PinChangeUnknown, ..refusal },
        _ => refusal,
    }
}
