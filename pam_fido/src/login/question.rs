//! The one question.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::message::key::Pin;
use wardkey_core::name::DisplayText;
use wardkey_core::person::PersonRecord;
use wardkey_core::proof::identification::Proven;
use wardkey_core::texts;
use zeroize::Zeroizing;

use super::agent::Ended;
use super::attempt::{Attempt, ProvenKey};
use super::states::{Answered, Moment, Recognised, Recognition, Verification};
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;
use crate::talk::{Answer, PinQuestion};
use crate::text_console;

/// PIN tries of a key that had none wrong (CTAP 2.1, 6.5.2.2: at most 8).
const ALL_TRIES: u8 = 8;

impl Attempt<'_, '_> {
    /// The key proved who asks: from here on the person's name, and language where it can be read.
    pub(super) fn recognise(&mut self, person: &VerifiedPerson, proven: &Proven) {
        self.record.proven = Some(ProvenKey::of(person, proven));
        self.speak_to(person);
    }

    /// From here on in the person's language, where it can be read.
    pub(super) fn speak_to(&mut self, person: &VerifiedPerson) {
        if let Some(record) = person.snapshot.records().next()
            && !self.login.at_text_console
        {
            self.speaker.language = record.language;
        }
    }

    /// Asks for the PIN, or leaves it to a finger. Everything that must be known stands in the one
    /// prompt.
    ///
    /// # Errors
    /// No answer, or one that cannot be a PIN: the key is not asked and no try is spent.
    pub(super) fn ask(&mut self, recognised: Recognised) -> Result<Answered, Ended> {
        let by = if self.takes_finger(&recognised.recognition) {
            self.ask_finger(&recognised.recognition)
        } else {
            self.ask_pin_of(&recognised.recognition, Prompt::PinPromptNamed).map(Verification::Pin)
        };
        match by {
            Ok(by) => Ok(Answered { recognised, by }),
            Err(refusal) => Err(Ended { refusal, agent: Some(recognised.agent) }),
        }
    }

    /// The PIN that the key has now, by this question.
    pub(super) fn ask_pin_of(
        &mut self,
        recognition: &Recognition,
        prompt: Prompt,
    ) -> Result<Pin, Refusal> {
        let Recognition { person, proven, .. } = recognition;
        let record = person.snapshot.records().next();
        let name = record.map(|record| self.shown_name(record).to_owned());
        let tries = self.usable_tries(recognition)?;
        // Of that key only: with another one a try would be spent.
        let chosen = self.chosen.take();
        if let Some(chosen) = chosen.filter(|chosen| chosen.credential == *proven.credential()) {
            return Ok(chosen.pin);
        }

        let language = self.speaker.language;
        let text = texts::pin_question(prompt, language, name.as_deref(), few(tries));
        self.ask_pin_by(text, tries)
    }

    /// The tries that the key has left, when it says so.
    ///
    /// # Errors
    /// It says that no PIN can be used.
    pub(super) fn usable_tries(&self, recognition: &Recognition) -> Result<Option<u8>, Refusal> {
        let Some(details) = &recognition.details else { return Ok(None) };
        let tries = details.pin_tries;
        match details.hindrance(self.login.changes_pin) {
            Some(code) => {
                let refusal = Refusal::new(code, "getInfo of the key");
                Err(Refusal { tries_left: tries, ..refusal })
            }
            None => Ok(tries),
        }
    }

    /// A PIN, by a question of this text.
    pub(super) fn ask_pin_by(&mut self, text: String, tries: Option<u8>) -> Result<Pin, Refusal> {
        let typed = Pin::typed(self.typed(text.clone(), tries)?);
        if typed.as_ref().err() != Some(&Code::PinInputMethod) {
            return typed.map_err(not_sent);
        }

        // Set elsewhere, a PIN may have such letters all the same: whoever was told may type them
        // again.
        let told = not_sent(Code::PinInputMethod).text(self.speaker.language);
        self.world.talk.error(&told);
        Pin::new(self.typed(text, tries)?).map_err(not_sent)
    }

    /// The name by which the person is asked: one that can be read where the question is.
    pub(super) fn shown_name<'r>(&self, record: &'r PersonRecord) -> &'r str {
        if !self.login.at_text_console {
            return record.display_name.as_str();
        }
        let names = [Some(&record.display_name), record.latin_name.as_ref()];
        let readable = names.into_iter().flatten().find(|name| text_console::shows(name));
        readable.map_or(record.login.as_str(), DisplayText::as_str)
    }

    /// What was typed at a question.
    pub(super) fn typed(
        &mut self,
        text: String,
        tries: Option<u8>,
    ) -> Result<Zeroizing<String>, Refusal> {
        let touch = texts::message(Prompt::TouchNow, self.speaker.language, &[]);
        let question = PinQuestion { text, tries, touch, language: self.speaker.language };
        let asked = Moment::now(&self.world)?;
        let answer = self.world.talk.ask_pin(&question);
        if let Some(wait) = self.world.settings.prompt_wait
            && asked.is_longer_ago_than(wait, &self.world)?
        {
            return Err(Refusal::new(Code::TooLate, "the question stayed unanswered for too long"));
        }

        match answer {
            Answer::Typed(typed) => Ok(typed),
            Answer::NotText => Err(Refusal::new(Code::PinLength, "not UTF-8, not sent to the key")),
            Answer::NotUnderstood => {
                Err(Refusal::new(Code::GreeterAnswer, "the greeter's page of the PIN"))
            }
            Answer::None => Err(Refusal::new(Code::Cancelled, "no answer to the question")),
        }
    }
}

/// Tries that are worth telling: fewer than all.
pub(super) fn few(tries: Option<u8>) -> Option<u32> {
    tries.filter(|tries| *tries < ALL_TRIES).map(u32::from)
}

/// What was typed cannot be the PIN.
pub(super) fn not_sent(code: Code) -> Refusal {
    Refusal::new(code, "not sent to the key")
}
