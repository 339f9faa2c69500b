//! A person who has been told beforehand what to type.

use std::collections::VecDeque;
use std::fmt;

use zeroize::Zeroizing;

use crate::greeter::{Answer, Style};

/// Answers prepared for the questions of one transaction. Each is given once: a question more than
/// expected finds none, is refused with a conversation error and remembered.
#[derive(Clone, Default)]
pub struct Script {
    matched: Vec<(String, Zeroizing<String>)>,
    ordered: VecDeque<Zeroizing<String>>,
    unexpected: Option<String>,
}

impl Script {
    /// A script that gives these answers in this order.
    pub fn new(answers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let ordered = answers.into_iter().map(|answer| Zeroizing::new(answer.into())).collect();
        Self { ordered, ..Self::default() }
    }

    /// Adds an answer for one question that contains `part`. It goes before the answers in order;
    /// of several that match, the first added.
    #[must_use]
    pub fn on(mut self, part: impl Into<String>, answer: impl Into<String>) -> Self {
        self.matched.push((part.into(), Zeroizing::new(answer.into())));
        self
    }

    /// Takes the answer for a question, if one is left for it.
    pub fn take(&mut self, question: &str) -> Option<Zeroizing<String>> {
        match self.matched.iter().position(|(part, _)| question.contains(part.as_str())) {
            Some(index) => Some(self.matched.remove(index).1),
            None => self.ordered.pop_front(),
        }
    }

    /// Answers one message, for use in the closure of
    /// [`Transaction::run`](crate::Transaction::run).
    pub fn answer(&mut self, style: Style, text: &str) -> Answer {
        if !style.is_prompt() {
            return Answer::Null;
        }
        match self.take(text) {
            Some(answer) => Answer::Text(answer),
            None => {
                self.unexpected.get_or_insert_with(|| text.to_owned());
                Answer::ConvErr
            }
        }
    }

    /// The first question that found no answer.
    pub fn unexpected(&self) -> Option<&str> {
        self.unexpected.as_deref()
    }

    /// How many answers have not been asked for.
    pub fn left(&self) -> usize {
        self.matched.len() + self.ordered.len()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("left", &self.left())
            .field("unexpected", &self.unexpected)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::greeter::{Answer, Style};

    #[test]
    fn an_answer_is_given_once_and_matches_go_first() {
        let mut script = Script::new(["first", "second"]).on("PIN", "1234").on("PIN", "5678");
        assert_eq!(script.left(), 4);
        let asked = ["Your PIN:", "login:", "PIN again:", "PIN a third time:"];
        let given: Vec<_> =
            asked.iter().map(|question| script.answer(Style::PromptEchoOff, question)).collect();
        assert!(given == ["1234", "first", "5678", "second"].map(Answer::text));
        assert_eq!((script.left(), script.unexpected()), (0, None));
        assert!(script.answer(Style::PromptEchoOn, "one more") == Answer::ConvErr);
        assert_eq!(script.unexpected(), Some("one more"));
    }

    #[test]
    fn texts_take_no_answer() {
        let mut script = Script::new(["1234"]).on("touch", "no");
        assert!(script.answer(Style::Info, "touch") == Answer::Null);
        assert!(script.answer(Style::Error, "touch") == Answer::Null);
        assert_eq!(script.left(), 2);
    }
}
