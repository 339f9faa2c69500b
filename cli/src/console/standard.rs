//! Standard input and standard error.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::termios::{FlushArg, tcflush, tcgetattr};
use zeroize::Zeroizing;

use super::editor::{Editor, Step, text};
use super::person::{MAX_ANSWER, NoAnswer, Operator, Wait};
use super::terminal::{Quiet, Signals, read_byte};

/// Standard input, or what stands for it in a test, and standard error.
pub struct Console {
    input: OwnedFd,
    say: Box<dyn Write>,
    terminal: bool,
}

impl Console {
    /// Standard input and standard error.
    ///
    /// # Errors
    /// The error of dup(2).
    pub fn standard() -> std::io::Result<Self> {
        Ok(Self::new(std::io::stdin().as_fd().try_clone_to_owned()?, Box::new(std::io::stderr())))
    }

    /// Another input and output.
    pub fn new(input: OwnedFd, say: Box<dyn Write>) -> Self {
        let terminal = tcgetattr(&input).is_ok();
        Self { input, say, terminal }
    }

    fn show(&mut self, text: &str) {
        // Nobody there to read it is no reason to stop.
        let _ = self.say.write_all(text.as_bytes());
        let _ = self.say.flush();
    }

    /// One line, byte by byte: what follows it stays for the next question, and no buffer keeps a
    /// copy.
    fn line(&mut self) -> Result<Zeroizing<String>, NoAnswer> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        loop {
            match read_byte(&self.input)? {
                None if bytes.is_empty() => return Err(NoAnswer::Cancelled),
                None | Some(b'\n') => return text(bytes),
                Some(_) if bytes.len() == MAX_ANSWER => return Err(NoAnswer::Unreadable),
                Some(byte) => bytes.push(byte),
            }
        }
    }

    fn typed(&mut self, question: &str, wait: Wait) -> Result<Zeroizing<String>, NoAnswer> {
        let mut until = match wait {
            Wait::For(time) => Some(Instant::now() + time),
            Wait::ForEver | Wait::OnceBegun(_) => None,
        };
        let quiet = Quiet::begin(&self.input)?;
        self.say.write_all(question.as_bytes()).and_then(|()| self.say.flush())?;
        let mut editor = Editor::default();
        let answer = loop {
            match quiet.next_byte(until) {
                Ok(Some(byte)) => match editor.take(byte) {
                    Step::More => {
                        if let Wait::OnceBegun(time) = wait {
                            let begun = until.unwrap_or_else(|| Instant::now() + time);
                            until = (!editor.is_empty()).then_some(begun);
                        }
                    }
                    Step::Done => break editor.finish(),
                    Step::Cancel => break Err(NoAnswer::Cancelled),
                },
                Err(NoAnswer::TimedOut) if matches!(wait, Wait::OnceBegun(_)) => {
                    editor = Editor::default();
                    until = None;
                    let again = format!("\n{question}");
                    self.say.write_all(again.as_bytes()).and_then(|()| self.say.flush())?;
                }
                Ok(None) => break Err(NoAnswer::Cancelled),
                Err(error) => break Err(error),
            }
        };
        drop(quiet);
        self.show("\n");
        answer
    }
}

impl Operator for Console {
    fn interactive(&self) -> bool {
        self.terminal
    }

    fn say(&mut self, text: &str) {
        self.show(&format!("{text}\n"));
    }

    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer> {
        if !self.terminal {
            return self.line().map(|line| line.as_str().to_owned());
        }
        let signals = Signals::hold()?;
        // What was typed before the question was not an answer to it.
        tcflush(&self.input, FlushArg::TCIFLUSH)?;
        self.show(question);
        match signals.wait_readable(&self.input, wait.map(|wait| Instant::now() + wait)) {
            Ok(true) => self.line().map(|line| line.as_str().to_owned()),
            Ok(false) => Err(NoAnswer::Cancelled),
            Err(error) => Err(error),
        }
        .inspect_err(|_| self.show("\n"))
    }

    fn ask_secret(&mut self, question: &str, wait: Wait) -> Result<Zeroizing<String>, NoAnswer> {
        if self.terminal { self.typed(question, wait) } else { self.line() }
    }
}
