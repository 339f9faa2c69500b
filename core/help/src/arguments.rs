//! The arguments of the process, read the same way by both programs.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, Command, FromArgMatches};
use wardkey_core::exit::Exit;
use wardkey_core::name::Language;
use wardkey_core::phrase::Phrase;

use crate::texts::Text;
use crate::usage::explain;

/// What both programs take with every command.
#[derive(Clone, Copy, Debug, Args)]
pub struct Common {
    /// Print JSON, one line: a result on standard output, an error on standard error.
    #[arg(long, global = true, display_order = 901)]
    pub json: bool,
}

/// Why arguments are not there to be acted on.
#[derive(Debug)]
pub enum Unread {
    /// The help or the version was asked for, and is printed.
    Shown,
    /// There is no command, and the help is printed on standard error in place of an error.
    Bare,
    /// They make no sense.
    Wrong {
        /// Why not, and where to look.
        why: Phrase,
        /// Whether a program wants to know: no arguments were read that would say it.
        json: bool,
    },
}

/// Reads arguments, the first of which is the name of the program.
///
/// # Errors
/// [`Unread`].
pub fn read<T: FromArgMatches>(program: &Command, given: &[OsString]) -> Result<T, Unread> {
    let read = program.clone().try_get_matches_from(given);
    let error = match read.and_then(|matches| T::from_arg_matches(&matches)) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };

    if !error.use_stderr() {
        let _ = error.print();
        return Err(Unread::Shown);
    }
    let json = given.iter().any(|word| word == "--json");
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json {
        let _ = error.print();
        return Err(Unread::Bare);
    }
    Err(Unread::Wrong { why: explain(&error, program, given), json })
}

/// The sentence about `--json`, as [`Common`] says it in English.
pub(crate) fn json_in_japanese() -> String {
    Text::OptionJson.say(Language::Ja)
}

/// The exit statuses, as [`Exit::table`] says them in English.
pub(crate) fn table_in_japanese() -> String {
    let line = |exit: Exit| format!("  {}  {}", exit.status(), meaning(exit).say(Language::Ja));
    let title = Text::ExitTitle.say(Language::Ja);
    format!("{title}:\n{}", Exit::ALL.map(line).join("\n"))
}

const fn meaning(exit: Exit) -> Text {
    match exit {
        Exit::Done => Text::ExitDone,
        Exit::Refused => Text::ExitRefused,
        Exit::Usage => Text::ExitUsage,
        Exit::Unavailable => Text::ExitUnavailable,
        Exit::Store => Text::ExitStore,
        Exit::NotHeard => Text::ExitNotHeard,
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "tool", after_help = Exit::table())]
    struct Cli {
        #[command(subcommand)]
        command: Act,
        #[command(flatten, next_help_heading = "Plumbing")]
        common: Common,
    }

    #[derive(Debug, Subcommand)]
    enum Act {
        Add,
    }

    fn read_line(line: &str) -> Result<Cli, Unread> {
        let given: Vec<OsString> = line.split(' ').map(Into::into).collect();
        read(&<Cli as clap::CommandFactory>::command(), &given)
    }

    #[test]
    fn json_counts_also_where_the_rest_makes_no_sense() {
        for (line, json) in [("tool add", false), ("tool add --json", true)] {
            let read = read_line(line).unwrap();
            assert!(matches!(read.command, Act::Add));
            assert_eq!(read.common.json, json);
        }
        for (line, expected) in
            [("tool zzz", false), ("tool --json zzz", true), ("tool --json", true)]
        {
            let Err(Unread::Wrong { json, .. }) = read_line(line) else { panic!("{line}") };
            assert_eq!(json, expected, "{line}");
        }
        assert!(matches!(read_line("tool"), Err(Unread::Bare)));
        assert!(matches!(read_line("tool add --help"), Err(Unread::Shown)));
    }

    #[test]
    fn what_both_programs_have_is_said_in_both_languages() {
        for exit in Exit::ALL {
            assert_eq!(meaning(exit).say(Language::En), exit.meaning());
            let line = format!("{}  {}", exit.status(), meaning(exit).say(Language::Ja));
            assert!(table_in_japanese().contains(&line), "{line}");
        }
        let command = <Cli as clap::CommandFactory>::command();
        let json = command.get_arguments().find(|arg| arg.get_id() == "json").unwrap();
        let help = json.get_help().unwrap().to_string();
        assert_eq!(help, Text::OptionJson.say(Language::En).trim_end_matches('.'));
    }
}
