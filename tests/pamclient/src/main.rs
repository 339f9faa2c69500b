//! `wardkey-pamclient`: runs PAM transactions as a login program would, and tells each step as a
//! JSON line.
//!
//! ```text
//!   args ──> operator ── answers, delays, dies ──> Transaction (library) ──> libpam
//!               │  └── terminal: a real person, with --interactive
//!               └── report: JSON lines on standard output
//! ```
//!
//! Exit status: 0 every transaction let the person in; 1 one did not; 2 wrong options, or a
//! transaction could not be run; 3 a question came for which no answer was left.

mod cli {
    pub mod args;
    pub mod identity;
    pub mod operator;
    pub mod report;
    pub mod terminal;
}

use std::process::ExitCode;

use clap::Parser;
use cli::args::Args;
use cli::operator::Operator;
use cli::report::{Line, Report};
use cli::{identity, terminal};

fn main() -> ExitCode {
    let args = Args::parse();
    if args.interactive && !terminal::present() {
        eprintln!("wardkey-pamclient: --interactive needs a terminal as standard input");
        return ExitCode::from(2);
    }
    if let Some(uid) = args.uid
        && let Err(error) = identity::become_user(uid)
    {
        eprintln!("wardkey-pamclient: cannot become user {uid}: {error}");
        return ExitCode::from(2);
    }
    let transaction = args.transaction();
    let mut operator = Operator::new(&args, Report::new(args.interactive));
    let mut all = true;
    for run in 1..=args.repeat {
        operator.begin();
        let outcome = transaction.observe(&mut operator);
        let authenticated = outcome.as_ref().is_ok_and(|outcome| outcome.authenticated);
        if let Err(error) = &outcome {
            operator.report.line(&Line::Error { text: error.to_string() });
        }
        let took_us = outcome.as_ref().map_or(0, |outcome| cli::report::micros(outcome.took));
        operator.report.line(&Line::End {
            authenticated,
            run,
            answers_left: operator.left(),
            took_us,
        });
        if operator.unexpected() {
            return ExitCode::from(3);
        }
        if outcome.is_err() {
            return ExitCode::from(2);
        }
        all &= authenticated;
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
