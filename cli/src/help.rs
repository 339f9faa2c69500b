//! `--help` in the language of the caller: the English texts stand with the arguments, the Japanese
//! ones in `texts/help.ja.ftl`, by command and option.

use clap::{Command, CommandFactory};
use wardkey_core::name::Language;
use wardkey_help::Japanese;

use crate::args::{Cli, PLUMBING};
use crate::texts::HELP_JA;

const JAPANESE: Japanese = Japanese {
    program: "wardkey",
    texts: HELP_JA,
    plumbing: (PLUMBING, "パッケージやスクリプト用のオプション"),
};

/// The command line with its texts in a language.
pub(crate) fn command(language: Language) -> Command {
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
    fn help_is_shown_and_arguments_are_read_in_both_languages() {
        for (language, usage) in
            [(Language::Ja, "使い方: wardkey join"), (Language::En, "Usage: wardkey join")]
        {
            for line in ["wardkey join --help", "wardkey help join"] {
                let shown = command(language).try_get_matches_from(line.split(' ')).unwrap_err();
                assert_eq!(shown.exit_code(), 0, "{shown}");
                assert!(shown.to_string().contains(usage), "{shown}");
            }
            let read = command(language)
                .try_get_matches_from(["wardkey", "enrol", "--code", "A", "--json"]);
            assert!(read.unwrap().get_flag("json"));
        }
    }
}
