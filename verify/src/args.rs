//! The command line, in the caller's language.

use std::path::PathBuf;

use clap::{Command, CommandFactory, Parser};
use wardkey_core::name::Language;
use wardkey_help::Japanese;
use wardkey_help::usage::Wrong;
use wardkey_tlog::Verifier;

use crate::texts::{HELP_JA, Text};

/// Where the options stand that say how the answer is given.
const ANSWER: &str = "Answer";

/// Check an exported log of Wardkey's records, and copies of its records from elsewhere.
///
/// Every record against its hash, every hash against the signed root, and each login's signature
/// against the key that was enrolled then. Needs no server, no configuration and no network, and
/// changes nothing.
#[derive(Debug, Parser)]
#[command(name = "wardkey-verify", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// The folder that "wardkey-server log export" wrote, or the file of an archive.
    #[arg(value_name = "FOLDER|FILE")]
    pub folder: PathBuf,
    /// The verifier key of the log, as "wardkey-server log show" says it. Take it from where it was
    /// noted when the log began, not from this folder.
    #[arg(long, value_name = "KEY", value_parser = verifier)]
    pub key: Verifier,
    /// An older checkpoint, or the folder of an older export: the log has to go on from it. Only a
    /// folder can tell which record is another one.
    #[arg(long, value_name = "PATH")]
    pub since: Option<PathBuf>,
    /// The verifier key of the older checkpoint, where that is another one: the log's key was
    /// stolen and replaced between them.
    #[arg(long, value_name = "KEY", value_parser = verifier, requires = "since")]
    pub since_key: Option<Verifier>,
    /// An archive with records that were pruned from the export. Can be given several times.
    #[arg(long = "archive", value_name = "FILE")]
    pub archives: Vec<PathBuf>,
    /// Copies of the records from elsewhere, one a line: files of syslog, JSON lines of a SIEM. Can
    /// be given several times.
    #[arg(long, value_name = "FILE")]
    pub records: Vec<PathBuf>,
    /// Also write a report to print, as a page of HTML.
    #[arg(long, value_name = "FILE", help_heading = ANSWER, display_order = 900)]
    pub html: Option<PathBuf>,
    /// Answer in JSON, for programs; errors too, on standard error.
    #[arg(long, help_heading = ANSWER, display_order = 901)]
    pub json: bool,
}

const AFTER_HELP: &str = "Examples:
  wardkey-verify /media/log --key example.org/wardkey-log/...
  wardkey-verify /media/log --key example.org/wardkey-log/... \\
    --since /media/safe/january --records auth.log --html report.html
  wardkey-verify /media/archive/2026-04.wka --key example.org/wardkey-log/...

Ends with status 0 when everything holds, 1 when something does not, 2 when the command line is
wrong, 3 when a file cannot be used.";

fn verifier(text: &str) -> Result<Verifier, Wrong> {
    Verifier::parse(text.trim()).map_err(|_| Wrong::new(Text::WriteVerifier))
}

const JAPANESE: Japanese =
    Japanese { program: "wardkey-verify", texts: HELP_JA, plumbing: (ANSWER, "出力") };

/// The command line.
pub fn command() -> Command {
    Cli::command()
}

/// The command line with its texts in a language.
pub fn in_language(language: Language) -> Command {
    match language {
        Language::Ja => JAPANESE.translate(Cli::command()),
        Language::En => Cli::command(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_help_is_in_japanese_too() {
        assert_eq!(JAPANESE.faults(&Cli::command()), [""; 0]);
    }
}
