//! Prints what happens, and counts what was not as expected.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use wardkey_e2e::login::{Ended, Login};

use crate::words::Words;

/// The demo's output and its count.
pub struct Stage {
    pub words: Words,
    /// With a hardware key people do what otherwise the demo does.
    pub hardware: bool,
    steps: usize,
    unexpected: Vec<String>,
    stopped: bool,
}

impl Stage {
    pub fn new(words: Words, hardware: bool) -> Self {
        // A step that panics is a step that was not as expected; its message is printed there.
        std::panic::set_hook(Box::new(|_| {}));
        Self { words, hardware, steps: 0, unexpected: Vec::new(), stopped: false }
    }

    /// One step: `play` shows what happens and says what was not as expected.
    pub fn step<T>(
        &mut self,
        ja: &str,
        en: &str,
        play: impl FnOnce(&Self) -> Result<T, String>,
    ) -> Option<T> {
        self.steps += 1;
        let title = self.words.pick(ja, en).to_owned();
        if self.stopped {
            self.unexpected.push(format!("{}. {title}", self.steps));
            return None;
        }
        println!("\n{:2}. {title}", self.steps);
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| play(self))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or(panic.downcast_ref::<&str>().copied());
            Err(text.unwrap_or("panic").to_owned())
        });
        match result {
            Ok(value) => {
                println!(
                    "    ✓ {} ({:.2} s)",
                    self.words.pick("期待どおり", "as expected"),
                    started.elapsed().as_secs_f64()
                );
                Some(value)
            }
            Err(why) => {
                println!("    ✗ {}: {why}", self.words.pick("期待と違います", "not as expected"));
                self.unexpected.push(format!("{}. {title}", self.steps));
                None
            }
        }
    }

    /// Nothing after this can work.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// A line about what happens.
    pub fn note(&self, ja: &str, en: &str) {
        println!("    {}", self.words.pick(ja, en));
    }

    /// A line that is the same in both languages.
    pub fn show(&self, line: &str) {
        println!("    {line}");
    }

    /// What the person saw, and how PAM answered.
    pub fn show_login(&self, ended: &Ended) {
        for event in &ended.events {
            if event["event"] == "message" {
                let text = event["text"].as_str().unwrap_or_default();
                let typed =
                    if event["style"] == "prompt_echo_off" { "••••••" } else { "" };
                println!("    │ {text}{typed}");
            }
        }
        let result = ended.result("authenticate").unwrap_or_default();
        println!("    └ {result}, {:.2} s", ended.took.as_secs_f64());
    }

    /// What a program printed.
    pub fn show_output(&self, output: &str) {
        let lines = output.lines().filter(|line| !line.trim().is_empty());
        lines.for_each(|line| self.show(&format!("│ {line}")));
    }

    /// A login that nobody at this machine has a part in.
    pub fn run(&self, login: &Login) -> Ended {
        let ended = login.run();
        self.show_login(&ended);
        ended
    }

    /// The last line and the exit status.
    pub fn close(&self) -> ExitCode {
        let right = self.steps - self.unexpected.len();
        println!();
        for step in &self.unexpected {
            println!("{}: {step}", self.words.pick("期待と違った段階", "not as expected"));
        }
        println!("demo: {right} of {} steps as expected", self.steps);
        if self.unexpected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// `Ok` when it holds, else the sentence.
pub fn expect(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// Whether it was refused, and this is what was said last.
pub fn refused_with(ended: &Ended, code: u16) -> Result<(), String> {
    expect(!ended.is_in(), "got in")?;
    expect(ended.codes().last() == Some(&code), format!("WK-{code} expected: {:?}", ended.codes()))
}
