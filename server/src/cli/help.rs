//! `--help` in the language of the caller.

use clap::{Command, CommandFactory};
use wardkey_core::name::Language;
use wardkey_help::Japanese;

use super::args::{Cli, PLUMBING};
use crate::texts::HELP_JA;

const JAPANESE: Japanese = Japanese {
    program: "wardkey-server",
    texts: HELP_JA,
    plumbing: (PLUMBING, "すべてのコマンドのオプション"),
};

/// The command line with its texts in a language.
pub fn command(language: Language) -> Command {
    match language {
        Language::Ja => JAPANESE.translate(Cli::command()),
        Language::En => Cli::command(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_help_is_in_japanese_too_and_every_command_has_an_example() {
        assert_eq!(JAPANESE.faults(&Cli::command()), [""; 0]);
    }

    #[test]
    fn arguments_are_read_in_both_languages() {
        for language in [Language::Ja, Language::En] {
            let line = "wardkey-server code add hanako --expires 2h --json";
            let read = command(language).try_get_matches_from(line.split(' ')).unwrap();
            assert!(read.get_flag("json"));
            let shown = command(language).try_get_matches_from(["wardkey-server", "help", "code"]);
            assert_eq!(shown.unwrap_err().exit_code(), 0);
        }
    }
}
