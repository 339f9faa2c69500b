//! The person at the terminal: what they answer, and what they saw.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wardkey_core::name::Language;
use wardkey_core::time::ClockReading;
use zeroize::Zeroizing;

use crate::talk::{Answer, Talk};

/// Who sits at the terminal.
#[derive(Default)]
pub struct Person {
    pub answers: VecDeque<Answer>,
    pub thinks: Duration,
    /// What happens while a question stands.
    pub before_answer: Option<Box<dyn FnMut() + Send>>,
    /// The machine is suspended for so many seconds while the question stands.
    pub sleeps: Option<(Arc<Mutex<ClockReading>>, u64)>,
    /// The application shows no notices (PAM_SILENT).
    pub silent: bool,
    /// The application names somebody (PAM_USER) after it has shown so much.
    pub named_after: Option<usize>,
    /// The greeter has pages of its own: what comes of each that says to insert a key.
    pub pages: Option<VecDeque<Answer>>,
    pub insert_pages: Vec<String>,
    pub touches: Vec<String>,
    pub questions: Vec<String>,
    pub infos: Vec<String>,
    pub errors: Vec<String>,
}

impl Person {
    pub fn types(pin: &str) -> Self {
        Self::answers(Answer::Typed(Zeroizing::new(pin.into())))
    }
    pub fn answers(answer: Answer) -> Self {
        Self { answers: VecDeque::from([answer]), ..Self::default() }
    }
}

impl Talk for Person {
    fn info(&mut self, text: &str) {
        self.infos.push(text.into());
    }
    fn aside(&mut self, text: &str) {
        if self.pages.is_none() {
            self.info(text);
        }
    }
    fn touch(&mut self, text: &str) {
        self.touches.push(text.into());
        self.info(text);
    }
    fn insert_page(&mut self, instruction: &str, _: Language) -> Option<Answer> {
        let answer = self.pages.as_mut()?.pop_front();
        self.insert_pages.push(instruction.into());
        Some(answer.unwrap_or_else(|| panic!("unexpected page: {instruction}")))
    }
    fn error(&mut self, text: &str) {
        self.errors.push(text.into());
    }
    fn silent(&self) -> bool {
        self.silent
    }
    fn is_named(&self) -> bool {
        let shown = self.infos.len() + self.questions.len();
        self.named_after.is_some_and(|after| shown >= after)
    }
    fn has_pages(&self) -> bool {
        self.pages.is_some()
    }
    fn ask(&mut self, question: &str) -> Answer {
        self.questions.push(question.into());
        std::thread::sleep(self.thinks);
        if let Some(happens) = &mut self.before_answer {
            happens();
        }
        if let Some((clock, seconds)) = self.sleeps.take() {
            clock.lock().unwrap().boottime += seconds;
        }
        self.answers.pop_front().unwrap_or_else(|| panic!("unexpected question: {question}"))
    }
}
