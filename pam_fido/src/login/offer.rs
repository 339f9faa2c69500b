//! The offer to go on without a key, where the terminal's policy takes codes.
//!
//! It is made to whoever waits for a key long enough, whatever name was typed: that it is made
//! tells nothing of who there is, and who has a pass.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use super::agent::Interrupted;
use super::attempt::Attempt;
use super::speaker::Once;
use super::states::Moment;
use super::typed_code::TypedCode;
use crate::refusal::Refusal;
use crate::talk::Answer;

impl Attempt<'_, '_> {
    /// When the code is asked for, if no key comes before.
    pub(super) fn code_is_asked_for(&self, at_once: bool) -> Option<Deadline> {
        let wait = self.world.timeouts.before_code.min(self.patience.until.left() / 2);
        let asks = self.takes_codes && !at_once && !self.speaker.has_said(Once::Code);
        asks.then(|| Deadline::after(wait))
    }

    /// Asks for a code, or Enter and the key. What comes then is asked anew; another login may
    /// have the key meanwhile.
    ///
    /// # Errors
    /// No answer, or one that cannot be a code.
    pub(super) fn ask_for_code(&mut self, shared: bool) -> Result<TypedCode, Interrupted> {
        self.speaker.is_first(Once::Code);
        let prompt = match (self.takes_vouches, shared) {
            (false, false) => Prompt::PassPrompt,
            (false, true) => Prompt::PassPromptShared,
            (true, false) => Prompt::VouchPrompt,
            (true, true) => Prompt::VouchPromptShared,
        };
        let answer = self.ask_in_time(prompt)?;

        self.patience.wait_again(self.world.settings.key_wait);
        match answer {
            // Where nothing can be shown meanwhile the key is there, or it is not waited for.
            Answer::Typed(typed) if typed.trim().is_empty() => {
                if self.world.talk.silent() {
                    self.patience.wait_again(self.world.timeouts.after_enter);
                }
                Err(Interrupted::Anew)
            }
            Answer::Typed(typed) => {
                Ok(TypedCode::read(&typed, shared, (self.takes_vouches, self.breaks_glass))?)
            }
            Answer::NotText | Answer::NotUnderstood => {
                Err(Refusal::new(Code::PassNotACode, "not UTF-8").into())
            }
            Answer::None => Err(no_answer().into()),
        }
    }

    /// The answer to a question, if it does not stay open for too long.
    ///
    /// # Errors
    /// It did.
    pub(super) fn ask_in_time(&mut self, prompt: Prompt) -> Result<Answer, Refusal> {
        let question = texts::message(prompt, self.speaker.language, &[]);
        self.ask_text_in_time(&question)
    }

    /// The same to a question of this text.
    ///
    /// # Errors
    /// As for [`Self::ask_in_time`].
    pub(super) fn ask_text_in_time(&mut self, question: &str) -> Result<Answer, Refusal> {
        let asked = Moment::now(&self.world)?;
        let answer = self.world.talk.ask(question);
        if let Some(wait) = self.world.settings.prompt_wait
            && asked.is_longer_ago_than(wait, &self.world)?
        {
            return Err(Refusal::new(Code::TooLate, "the question stayed unanswered for too long"));
        }
        Ok(answer)
    }
}

/// The application gave none.
pub(super) fn no_answer() -> Refusal {
    Refusal::new(Code::Cancelled, "no answer to the question")
}
