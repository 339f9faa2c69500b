//! The offer to go on without a key, where the terminal's policy takes the codes of passes.
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
        let prompt = if shared { Prompt::PassPromptShared } else { Prompt::PassPrompt };
        let question = texts::message(prompt, self.speaker.language, &[]);
        let asked = Moment::now(&self.world)?;
        let answer = self.world.talk.ask(&question);
        if let Some(wait) = self.world.settings.prompt_wait
            && asked.is_longer_ago_than(wait, &self.world)?
        {
            let why = "the question stayed unanswered for too long";
            return Err(Refusal::new(Code::TooLate, why).into());
        }

        self.patience.wait_again(self.world.settings.key_wait);
        match answer {
            // Where nothing can be shown meanwhile the key is there, or it is not waited for.
            Answer::Typed(typed) if typed.trim().is_empty() => {
                if self.world.talk.silent() {
                    self.patience.wait_again(self.world.timeouts.after_enter);
                }
                Err(Interrupted::Anew)
            }
            Answer::Typed(typed) => Ok(TypedCode::read(&typed, shared)?),
            Answer::NotText | Answer::NotUnderstood => {
                Err(Refusal::new(Code::PassNotACode, "not UTF-8").into())
            }
            Answer::None => Err(Refusal::new(Code::Cancelled, "no answer to the question").into()),
        }
    }
}
