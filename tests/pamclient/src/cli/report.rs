//! The JSON lines.

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::Serialize;
use wardkey_pamclient::Style;

/// One line. `at_us` says when, in microseconds of CLOCK_MONOTONIC.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line<'a> {
    /// A message of a module. `shown` is false if the greeter dropped it.
    Message { style: Style, text: &'a str, shown: bool, at_us: u64 },
    /// The questions of a call are answered.
    Answered { at_us: u64 },
    /// A question for which no answer is left.
    Unexpected { text: &'a str, at_us: u64 },
    /// The file of --wait-file did not come.
    WaitTimeout { at_us: u64 },
    /// libpam would have slept.
    FailDelay { usec: u64, at_us: u64 },
    /// A call returned.
    Result { call: &'static str, code: i32, name: &'static str, at_us: u64, took_us: u64 },
    /// A variable of the PAM environment after authenticate.
    Env { name: &'a str, value: &'a str },
    /// PAM_USER after authenticate, or null.
    User { name: Option<&'a str> },
    /// The transaction could not be run.
    Error { text: String },
    /// The end of transaction number `run`, counted from 1.
    End { authenticated: bool, run: u32, answers_left: usize, took_us: u64 },
}

/// Where the lines go.
pub struct Report {
    /// A person reads the terminal: sentences instead of JSON.
    person: bool,
}

impl Report {
    /// Lines on standard output, unless a person sits in front of it.
    pub fn new(interactive: bool) -> Self {
        Self { person: interactive && stdout().is_terminal() }
    }

    /// Writes a line at once. Without a reader there is no use in going on.
    pub fn line(&self, line: &Line<'_>) {
        let written = if self.person {
            match line {
                Line::Result { call, name, .. } => writeln!(stdout(), "[{call}: {name}]"),
                Line::Error { text } => writeln!(stdout(), "[{text}]"),
                _ => Ok(()),
            }
        } else {
            let mut bytes = serde_json::to_vec(line).unwrap_or_default();
            bytes.push(b'\n');
            // One write, and none of it held back: the process may be killed in the next moment.
            let mut stdout = stdout().lock();
            stdout.write_all(&bytes).and_then(|()| stdout.flush())
        };
        if written.is_err() {
            std::process::exit(2);
        }
    }
}

/// Now, in microseconds of CLOCK_MONOTONIC.
pub fn now_us() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| micros(now.into()))
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
