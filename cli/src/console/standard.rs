//! Standard input and standard error.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::termios::{FlushArg, tcflush, tcgetattr};
use zeroize::Zeroizing;

use super::confined::{Confined, is_linux_console};
use super::editor::{Editor, Step, text};
use super::person::{MAX_ANSWER, NoAnswer, Operator, Wait};
use super::terminal::{Quiet, Signals, read_byte};

/// Standard input, or what stands for it in a test, and standard error.
pub struct Console {
    input: OwnedFd,
    say: Box<dyn Write>,
    terminal: bool,
    /// Where the keys of the terminal do nothing to this program.
    confined: Option<Confined>,
    /// Whether it was told to end, or nobody can be asked any more.
    over: bool,
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
        Self { input, say, terminal, confined: None, over: false }
    }

    /// From here on nothing that is typed has this program end or stop, nothing of its memory is
    /// written to the swap space, and it starts no other program. For one that nobody shall get
    /// out of.
    ///
    /// # Errors
    /// It is no terminal, or one of this cannot be had.
    pub fn confine(&mut self) -> Result<(), NoAnswer> {
        self.confined = Some(Confined::begin(&self.input)?);
        Ok(())
    }

    fn show(&mut self, text: &str) {
        // Nobody there to read it is no reason to stop, but where nobody else will be.
        let shown = self.say.write_all(text.as_bytes()).and_then(|()| self.say.flush());
        self.over |= shown.is_err() && self.confined.is_some();
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
        let quiet = Quiet::begin(&self.input)?;
        let next = |until| quiet.next_byte(until);
        let answer = asked(&mut self.say, question, (wait, Shown::Nothing), next);
        drop(quiet);
        self.show("\n");
        answer
    }

    /// The same at a terminal that is confined, and what may be seen is shown by this program: a
    /// terminal would show what it takes for orders to it.
    fn typed_confined(
        &mut self,
        question: &str,
        (wait, shown): (Wait, Shown),
    ) -> Result<Zeroizing<String>, NoAnswer> {
        let Some(confined) = &self.confined else { return Err(NoAnswer::Cancelled) };
        // What was typed before the question was not an answer to it. Whoever has begun may have
        // stopped it.
        if confined.forget(&self.input)? && shown == Shown::Nothing {
            return Err(NoAnswer::Cancelled);
        }
        let over = &mut self.over;
        let next = |until| {
            let byte = confined.next_byte(&self.input, until);
            *over |= matches!(byte, Ok(None) | Err(NoAnswer::Io(_)));
            byte
        };
        let answer = asked(&mut self.say, question, (wait, shown), next);
        self.show("\n");
        answer
    }
}

/// What is shown of an answer while it is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// Letters of ASCII, and nothing else is taken.
    Letters,
}

/// Asks, and reads the answer byte by byte; `None` of `next` is the end of all answers.
fn asked(
    say: &mut dyn Write,
    question: &str,
    (wait, shown): (Wait, Shown),
    mut next: impl FnMut(Option<Instant>) -> Result<Option<u8>, NoAnswer>,
) -> Result<Zeroizing<String>, NoAnswer> {
    let mut until = match wait {
        Wait::For(time) => Some(Instant::now() + time),
        Wait::ForEver | Wait::OnceBegun(_) => None,
    };
    say.write_all(question.as_bytes()).and_then(|()| say.flush())?;
    let mut editor = Editor::default();
    loop {
        match next(until) {
            // Bytes from 0x80 to 0x9f are orders to a console, also as UTF-8 (ECMA-48, 5.3).
            Ok(Some(0x80..)) if shown == Shown::Letters => {}
            Ok(Some(byte)) => {
                let before = editor.length();
                match editor.take(byte) {
                    Step::More => {
                        if let Wait::OnceBegun(time) = wait {
                            let begun = until.unwrap_or_else(|| Instant::now() + time);
                            until = (!editor.is_empty()).then_some(begun);
                        }
                    }
                    Step::Done => return editor.finish(),
                    Step::Cancel => return Err(NoAnswer::Cancelled),
                }
                if shown == Shown::Letters {
                    let gone = before.saturating_sub(editor.length());
                    let seen = if editor.length() > before { vec![byte] } else { Vec::new() };
                    let seen = [seen, b"\x08 \x08".repeat(gone)].concat();
                    say.write_all(&seen).and_then(|()| say.flush())?;
                }
            }
            Err(NoAnswer::TimedOut) if matches!(wait, Wait::OnceBegun(_)) => {
                editor = Editor::default();
                until = None;
                let again = format!("\n{question}");
                say.write_all(again.as_bytes()).and_then(|()| say.flush())?;
            }
            Ok(None) => return Err(NoAnswer::Cancelled),
            Err(error) => return Err(error),
        }
    }
}

impl Operator for Console {
    fn interactive(&self) -> bool {
        self.terminal
    }

    fn has_only_latin(&self) -> bool {
        self.terminal && is_linux_console(&self.input)
    }

    fn is_confined(&self) -> bool {
        self.confined.is_some()
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn pause(&mut self, time: Duration) {
        match &self.confined {
            Some(confined) => self.over |= confined.pause(time).unwrap_or(true),
            None => std::thread::sleep(time),
        }
    }

    fn wait_for(&mut self, there: BorrowedFd<'_>, until: Instant) -> Result<(), NoAnswer> {
        let Some(confined) = &self.confined else { return Ok(()) };
        match confined.wait_for(&self.input, there, until) {
            Ok(Some(())) => Ok(()),
            Ok(None) => {
                self.over = true;
                Err(NoAnswer::Cancelled)
            }
            Err(error) => Err(error),
        }
    }

    fn say(&mut self, text: &str) {
        self.show(&format!("{text}\n"));
    }

    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer> {
        if self.confined.is_some() {
            let wait = wait.map_or(Wait::ForEver, Wait::For);
            let answer = self.typed_confined(question, (wait, Shown::Letters))?;
            return Ok(answer.as_str().to_owned());
        }
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
        if self.confined.is_some() {
            return self.typed_confined(question, (wait, Shown::Nothing));
        }
        if self.terminal { self.typed(question, wait) } else { self.line() }
    }
}
