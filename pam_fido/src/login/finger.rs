//! A key with a sensor of its own: the finger first, the PIN once the sensor has given up.
//!
//! ```text
//!   Held ─ AssertByFinger ─┬─ signed ───────────────────────────────> decide, as for a PIN
//!            ^             ├─ not recognised: said, with the tries left ─┐
//!            └─────────────┼───────────────────────────────────────────┘
//!                          └─ no finger in time, or no more taken ──> the question for the PIN,
//!                                 without agent and key process: both are asked anew after it
//! ```
//! Whoever wears gloves waits for the question, or types the PIN at once where a question is asked
//! in the place of the notice.

use std::time::Duration;

use wardkey_core::code::{Code, Prompt};
use wardkey_core::decide::Granted;
use wardkey_core::message::agent::LoginResult;
use wardkey_core::texts;
use wardkey_ipc::{Channel, Deadline};

use super::agent::Ended;
use super::attempt::Attempt;
use super::question::few;
use super::states::{Recognition, Signed, Verification};
use crate::refusal::Refusal;
use crate::talk::needs_a_question;

/// How long a finger is waited for: who means to type the PIN waits so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same for all fingers of a login, where the wait for a touch is not shorter: login(1) ends
/// after 60 seconds, in which the PIN is to be typed as well.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(30);
/// Fingers of one login, whatever a key says of its tries (CTAP 2.1, 6.5.5.3: at most 25).
const MAX_FINGERS: usize = 8;

impl Attempt<'_, '_> {
    /// Whether the key is asked for a finger first. Pages of a greeter ask for the PIN, as the
    /// configuration may have it, and a PIN that was just chosen is there.
    pub(super) fn takes_finger(&self, recognition: &Recognition) -> bool {
        let details = recognition.details.as_ref();
        details.is_some_and(|details| details.takes_finger())
            && self.chosen.is_none()
            && !self.world.talk.has_pages()
            && !self.world.settings.no_finger_for.contains(&self.login.service)
    }

    /// A finger is to come; where a question is needed all the same, the PIN is an answer too.
    pub(super) fn ask_finger(
        &mut self,
        recognition: &Recognition,
    ) -> Result<Verification, Refusal> {
        if !self.world.talk.silent() && !needs_a_question(&self.login.service) {
            return Ok(Verification::Finger);
        }
        let tries = self.usable_tries(recognition)?;
        let text = self.of_finger(Prompt::FingerOrPin, recognition, few(tries));
        match self.ask_pin_by(text, tries) {
            Err(refusal) if refusal.code == Code::PinEmpty => Ok(Verification::Finger),
            pin => pin.map(Verification::Pin),
        }
    }

    /// Has the key sign by its PIN in the place of the finger: why, stands in the question.
    ///
    /// # Errors
    /// No answer; agent or key, which are asked anew, and their refusals.
    pub(super) fn sign_by_pin_instead(
        &mut self,
        recognition: &Recognition,
        why: Code,
    ) -> Result<Signed, Ended> {
        let prompt = match why {
            Code::FingerBlocked => Prompt::PinFingerBlocked,
            _ => Prompt::PinAfterFinger,
        };
        let pin = self.ask_pin_of(recognition, prompt)?;
        self.nobody_else_is_named()?;
        let held = self.until_held_anew(recognition)?;
        self.sign(held, Verification::Pin(pin))
    }

    /// Has the key sign after a finger; or why its sensor gave up.
    pub(super) fn sign_by_finger(
        &mut self,
        key: &mut Channel,
        recognition: &Recognition,
    ) -> Result<Result<(Granted, LoginResult), Code>, Refusal> {
        let until = Deadline::after(self.world.settings.touch_wait.min(PATIENCE_FOR_ALL));
        for _ in 0..MAX_FINGERS {
            let wait = until.left().min(PATIENCE);
            let refusal = match self.sign_with(key, recognition, Verification::Finger, wait) {
                Ok(signed) => {
                    self.record.finger.verified = true;
                    return Ok(Ok(signed));
                }
                Err(refusal) => refusal,
            };
            match refusal.code {
                Code::FingerWrong => {
                    self.record.finger.wrong = self.record.finger.wrong.saturating_add(1);
                    if refusal.tries_left == Some(0) {
                        self.record.finger.blocked = true;
                        return Ok(Err(Code::FingerBlocked));
                    }
                    if until.has_passed() {
                        break;
                    }
                    self.world.talk.error(&refusal.text(self.speaker.language));
                }
                // Whatever its sensor does, the key may take its PIN.
                why @ (Code::FingerBlocked
                | Code::TouchTimeout
                | Code::KeyFault
                | Code::KeyUnsuitable) => {
                    self.record.finger.blocked = why == Code::FingerBlocked;
                    return Ok(Err(why));
                }
                _ => return Err(refusal),
            }
        }
        Ok(Err(Code::FingerWrong))
    }

    /// What is said of the sensor of this person's key.
    pub(super) fn of_finger(
        &self,
        prompt: Prompt,
        recognition: &Recognition,
        tries: Option<u32>,
    ) -> String {
        let record = recognition.person.snapshot.records().next();
        let name = record.map(|record| self.shown_name(record));
        texts::pin_question(prompt, self.speaker.language, name, tries)
    }
}
