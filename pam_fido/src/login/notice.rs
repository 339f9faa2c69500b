//! What a login waits for, said so that somebody hears of it.

use wardkey_core::code::{AnyCode, Code, Prompt};
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use super::attempt::Attempt;
use crate::refusal::Refusal;
use crate::talk::Answer;

impl Attempt<'_, '_> {
    /// Says by a notice what is waited for. An application that shows none (PAM_SILENT, as sudo
    /// asks for) is asked a question instead, which is shown: whoever types Enter has done it, or
    /// it is not waited for. What else is typed is wiped; it goes nowhere.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when there is no answer: nobody can be asked (`sudo -n`).
    pub(super) fn say_or_ask(&mut self, notice: &str, question: Prompt) -> Result<(), Refusal> {
        if !self.world.talk.silent() {
            self.world.talk.info(notice);
            return Ok(());
        }
        let question = texts::message(question, self.speaker.language, &[]);
        if matches!(self.world.talk.ask(&question), Answer::None) {
            return Err(Refusal::new(
                Code::Cancelled,
                "nobody answers, and notices are not shown (PAM_SILENT)",
            ));
        }
        let after_enter = Deadline::after(self.world.timeouts.after_enter);
        self.patience.until = self.patience.until.min(after_enter);
        Ok(())
    }

    /// Says that a key is needed. A greeter with a page for it stays there until a key comes, and
    /// then begins anew; else it is a notice, or a question in its place. Where somebody without a
    /// key can be asked for a code, or a colleague's key is to vouch, no page is to stand in the
    /// way. The colleague is told for whom: it would else look like a login of theirs.
    ///
    /// # Errors
    /// As for [`Self::say_or_ask`], also when the page is left.
    pub(super) fn ask_for_key(&mut self, notice: AnyCode) -> Result<(), Refusal> {
        let person = self.login.vouches_for.as_ref();
        let person = person.filter(|_| notice == AnyCode::from(Prompt::InsertKey));
        let instruction = match person {
            Some(person) => {
                let args = [("person", person.as_str())];
                texts::message(Prompt::VouchInsert, self.speaker.language, &args)
            }
            None => texts::message(notice, self.speaker.language, &[]),
        };
        let page = if self.takes_codes || self.login.vouches_for.is_some() {
            None
        } else {
            self.world.talk.insert_page(&instruction, self.speaker.language)
        };
        match page {
            None => self.say_or_ask(&instruction, Prompt::InsertThenEnter),
            Some(Answer::None) => {
                Err(Refusal::new(Code::Cancelled, "the page to insert a key was left"))
            }
            Some(Answer::Typed(_) | Answer::NotText | Answer::NotUnderstood) => {
                Err(Refusal::new(Code::GreeterAnswer, "an answer where none can be given"))
            }
        }
    }
}
