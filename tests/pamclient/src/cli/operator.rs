//! The person in front of the program, as the options describe them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use wardkey_pamclient::{Answer, Call, Conversation, Event, Script, Style, code_name};
use zeroize::Zeroizing;

use super::args::{Args, Kill};
use super::report::{Line, Report, micros, now_us};
use super::terminal;

/// How long --wait-file waits.
const WAIT_LIMIT: Duration = Duration::from_secs(120);
/// How often it looks.
const WAIT_STEP: Duration = Duration::from_millis(1);

/// Answers, dawdles, dies and reports.
pub struct Operator<'a> {
    args: &'a Args,
    pub report: Report,
    script: Script,
    unexpected: bool,
    /// --wait-file gave up: this conversation fails.
    given_up: bool,
    dying: bool,
}

impl<'a> Operator<'a> {
    /// An operator for all transactions of this run of the program.
    pub fn new(args: &'a Args, report: Report) -> Self {
        Self {
            args,
            report,
            script: Script::default(),
            unexpected: false,
            given_up: false,
            dying: false,
        }
    }

    /// Begins a transaction: the answers start over.
    pub fn begin(&mut self) {
        self.script = self.args.script();
        self.given_up = false;
    }

    /// Answers of the options that have not been asked for.
    pub fn left(&self) -> usize {
        self.script.left()
    }

    /// Whether a question found no answer.
    pub fn unexpected(&self) -> bool {
        self.unexpected
    }

    fn arrived(&mut self, style: Style) {
        match self.args.kill_at {
            Some(Kill::Prompt) if style.is_prompt() => die(),
            Some(Kill::Info) if !style.is_prompt() => die(),
            _ => {}
        }
        if style == Style::PromptEchoOff
            && let Some(path) = &self.args.wait_file
            && !wait_for(path)
        {
            self.given_up = true;
            self.report.line(&Line::WaitTimeout { at_us: now_us() });
        }
        if style.is_prompt() {
            thread::sleep(self.args.delay_answer);
        }
    }

    fn answered(&mut self) {
        if let Some(Kill::AfterAnswer(after)) = self.args.kill_at
            && !self.dying
        {
            self.dying = true;
            thread::spawn(move || {
                thread::sleep(after);
                die();
            });
        }
    }

    fn answer(&mut self, style: Style, question: &str) -> Option<Zeroizing<String>> {
        if let Some(answer) = self.script.take(question) {
            return Some(answer);
        }
        if self.args.answers_from_stdin {
            return line_of_stdin();
        }
        match self.args.interactive {
            true => terminal::ask(question, style == Style::PromptEchoOn),
            false => None,
        }
    }
}

impl Conversation for Operator<'_> {
    fn message(&mut self, style: Style, text: &str) -> Answer {
        if !style.is_prompt() {
            if self.args.interactive {
                terminal::show(text);
            }
            return Answer::Null;
        }
        if self.given_up {
            return Answer::ConvErr;
        }
        match self.answer(style, text) {
            Some(answer) => Answer::Text(answer),
            // A person who presses Ctrl-C leaves; that is no mistake of the module.
            None if self.args.interactive => Answer::ConvErr,
            None => {
                self.unexpected = true;
                self.report.line(&Line::Unexpected { text, at_us: now_us() });
                Answer::ConvErr
            }
        }
    }

    fn session(&mut self) {
        let limit = Instant::now() + WAIT_LIMIT;
        while let Some(path) = &self.args.session_until
            && !path.exists()
            && Instant::now() < limit
        {
            thread::sleep(WAIT_STEP);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let at_us = now_us();
        self.report.line(&match event {
            Event::Message { style, text, shown } => Line::Message { style, text, shown, at_us },
            Event::Answered => Line::Answered { at_us },
            Event::Result { call, code, took } => Line::Result {
                call: name(call),
                code,
                name: code_name(code),
                at_us,
                took_us: micros(took),
            },
            Event::FailDelay(delay) => Line::FailDelay { usec: micros(delay), at_us },
            Event::Env(name, value) => Line::Env { name, value },
            Event::User(name) => Line::User { name },
        });
        match event {
            Event::Message { style, .. } => self.arrived(style),
            Event::Answered => self.answered(),
            _ => {}
        }
    }
}

fn name(call: Call) -> &'static str {
    match call {
        Call::Authenticate => "authenticate",
        Call::Chauthtok => "chauthtok",
        Call::AcctMgmt => "acct_mgmt",
        Call::Setcred => "setcred",
        Call::OpenSession => "open_session",
        Call::CloseSession => "close_session",
    }
}

/// The next line of standard input, without its end; none at the end of the input.
fn line_of_stdin() -> Option<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    match stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            let length = line.trim_end_matches(['\r', '\n']).len();
            line.truncate(length);
            Some(line)
        }
    }
}

/// Says that the question is there, and waits for permission to answer.
fn wait_for(path: &Path) -> bool {
    let mut asked = OsString::from(path);
    asked.push(".asked");
    if let Err(error) = File::create(PathBuf::from(&asked)) {
        eprintln!("wardkey-pamclient: cannot create {}: {error}", asked.display());
        return false;
    }
    let deadline = Instant::now() + WAIT_LIMIT;
    while !path.exists() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(WAIT_STEP);
    }
    true
}

/// Goes as a crashed greeter goes: at once, with nothing cleaned up.
fn die() -> ! {
    // SIGKILL takes the whole process, whichever thread sends it.
    let _ = kill(getpid(), Signal::SIGKILL);
    std::process::abort();
}
