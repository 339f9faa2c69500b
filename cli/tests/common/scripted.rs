//! A person who answers as the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wardkey_cli::{NoAnswer, Operator, Wait};
use zeroize::Zeroizing;

/// What happened, in order, at all three.
pub type Log = Arc<Mutex<Vec<String>>>;

pub struct Scripted {
    pub interactive: bool,
    pub answers: VecDeque<String>,
    pub said: Vec<String>,
    /// How long each question was to wait.
    pub waits: Vec<Wait>,
    pub log: Log,
}

impl Operator for Scripted {
    fn interactive(&self) -> bool {
        self.interactive
    }
    fn say(&mut self, text: &str) {
        self.said.push(text.into());
    }
    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer> {
        let wait = wait.map_or(Wait::ForEver, Wait::For);
        self.ask_secret(question, wait).map(|answer| answer.as_str().to_owned())
    }
    fn ask_secret(&mut self, question: &str, wait: Wait) -> Result<Zeroizing<String>, NoAnswer> {
        self.waits.push(wait);
        self.log.lock().unwrap().push(format!("asked {question}"));
        match self.answers.pop_front() {
            Some(answer) if answer == "^C" => Err(NoAnswer::Cancelled),
            Some(answer) if answer == "(away)" => Err(NoAnswer::TimedOut),
            Some(answer) => Ok(Zeroizing::new(answer)),
            None => panic!("an unexpected question: {question}"),
        }
    }
}
