//! `wardkey-verify`: for auditors. It reads an exported log of records and copies of records from
//! elsewhere, and says which record was changed, removed, put in or moved. No server, no
//! configuration, no network, and it changes nothing.
//!
//! ```text
//!   folder ── checkpoint, tiles, bundles, keys
//!      └ walk ─┬─ entry ── keys        each record: its hash, its evidence, whose key
//!              └─ copies ── form       each record: what syslog or a SIEM has of it
//!   archive, gone, pruned              what is not in the folder any more, and a file by itself
//!   older ── differ                    the log against an older export of it
//!   all of them ── finding ── report ── text, JSON, html
//! ```
//! Two threads or more share the records; what is in memory does not grow with the log but for 24
//! bytes a record, and with the copies.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod archive;
mod args;
mod check;
mod check_archive;
mod copies;
mod differ;
mod entry;
mod error;
mod file;
mod finding;
mod folder;
mod form;
mod gone;
mod html;
mod keys;
mod older;
mod pruned;
mod report;
mod say;
mod texts;
mod walk;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use wardkey_core::exit::Exit;
use wardkey_help::usage::explain;

use args::Cli;
use error::Error;
use say::Output;

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    args::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let language = say::language();
    let json = given.iter().any(|word| word == "--json");
    let output = Output { json, language };
    let program = args::in_language(language);

    let read = program.clone().try_get_matches_from(&given);
    let error = match read.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => return run(&cli, output).into(),
        Err(error) => error,
    };
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done.into();
    }
    output.complain(&Error::Usage(explain(&error, &program, &given)));
    Exit::Usage.into()
}

fn run(cli: &Cli, output: Output) -> Exit {
    let done = check::check(cli).and_then(|report| {
        if let Some(path) = &cli.html {
            html::write(path, &report, output.language)?;
        }
        output.say(&report)?;
        report.verdict()
    });
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            output.complain(&error);
            error.exit()
        }
    }
}
