//! What a login waits for, said so that somebody hears of it.

use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use super::Attempt;
use crate::refusal::Refusal;
use crate::talk::Answer;

impl Attempt<'_, '_> {
    /// Says by a notice what is waited for. An application that shows none (PAM_SILENT, as sudo asks for) is
    /// asked a question instead, which is shown: whoever types Enter has done it, or it is not waited for. What
    /// else is typed is wiped; it goes nowhere.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when there is no answer: nobody can be asked (`sudo -n`).
    pub(super) fn say_or_ask(&mut self, notice: Code, question: Code) -> Result<(), Refusal> {
        if !self.world.talk.silent() {
            self.inform(notice);
            return Ok(());
        }
        let question = texts::message(question, self.language, &[]);
        if matches!(self.world.talk.ask(&question), Answer::None) {
            return Err(Refusal::new(Code::Cancelled, "nobody answers, and notices are not shown (PAM_SILENT)"));
        }
        self.until = self.until.min(Deadline::after(self.world.timeouts.after_enter));
        Ok(())
    }
}
