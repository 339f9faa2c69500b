//! A person who answers as the test says.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use wardkey_cli::{NoAnswer, Operator, Wait};
use zeroize::Zeroizing;

/// Stands in the log of somebody who reads a console of Linux.
pub const LATIN: &str = "reads Latin letters alone";

const STOP: &str = "^C after ";

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
    fn has_only_latin(&self) -> bool {
        self.log.lock().unwrap().iter().any(|line| line == LATIN)
    }
    fn is_confined(&self) -> bool {
        self.interactive
    }
    fn is_over(&self) -> bool {
        self.answers.is_empty()
    }
    fn pause(&mut self, time: Duration) {
        self.log.lock().unwrap().push(format!("pause {}", time.as_secs()));
    }
    /// An answer `^C after LINE` stops the wait for what LINE of the log asks for.
    fn wait_for(&mut self, there: BorrowedFd<'_>, _until: Instant) -> Result<(), NoAnswer> {
        let Some(line) = self.answers.front().and_then(|answer| answer.strip_prefix(STOP)) else {
            return Ok(());
        };
        let line = line.to_owned();
        loop {
            let mut fds = [PollFd::new(there, PollFlags::POLLIN)];
            let is_answered = poll(&mut fds, 5_u8).unwrap() > 0;
            if self.log.lock().unwrap().last() == Some(&line) {
                self.answers.pop_front();
                return Err(NoAnswer::Cancelled);
            }
            if is_answered {
                return Ok(());
            }
        }
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
