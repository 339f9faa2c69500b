//! `--help` in the language of the caller: the English texts stand with the arguments, the Japanese ones in
//! `texts/help.ja.ftl`, by command and option.

use clap::{Arg, ArgAction, Command, CommandFactory};
use wardkey_core::name::Language;
use wardkey_core::texts::render;

use crate::args::{Cli, PLUMBING};
use crate::texts::HELP_JA;

/// What stands before what, in Japanese.
const TEMPLATE: &str = "{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";
const OPTIONS: &str = "オプション";

/// The command line with its texts in a language.
pub(crate) fn command(language: Language) -> Command {
    let mut command = Cli::command();
    if language == Language::En {
        return command;
    }
    // From here on it has what clap adds: help, version, and the global options of each command.
    command.build();
    translated(command, "")
}

fn translated(command: Command, path: &str) -> Command {
    let id = if path.is_empty() { "wardkey" } else { path };
    let mut command = command.help_template(TEMPLATE).subcommand_help_heading("コマンド");
    if let Some(about) = text(id) {
        command = command.about(about);
    }
    if let Some(long) = text(&format!("{id}__long")) {
        command = command.long_about(long);
    }
    if let Some(example) = command.get_after_help().map(ToString::to_string) {
        command = command.after_help(example.replacen("Examples:", "例:", 1).replacen("Example:", "例:", 1));
    }
    let path = path.to_owned();
    command.mut_args(|arg| option(arg, id)).mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        if name == "help" { listed(sub, "help", &path) } else { translated(sub, &below(&path, &name)) }
    })
}

/// A command as `help` lists it: a copy with its name and a sentence.
fn listed(command: Command, id: &str, path: &str) -> Command {
    let path = path.to_owned();
    let about = text(id).unwrap_or_default();
    command.about(about).mut_subcommands(|sub| {
        let id = if sub.get_name() == "help" { "help".to_owned() } else { below(&path, sub.get_name()) };
        let path = id.clone();
        listed(sub, &id, &path)
    })
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}-{name}") }
}

fn option(arg: Arg, command: &str) -> Arg {
    let name = arg.get_id().to_string();
    let id = match name.as_str() {
        "help" | "version" => format!("option_{name}"),
        _ if arg.is_global_set() => format!("wardkey_{name}"),
        _ => format!("{command}_{name}"),
    };
    let heading = if arg.get_help_heading() == Some(PLUMBING) {
        "パッケージやスクリプト用のオプション"
    } else {
        OPTIONS
    };
    let Some(mut help) = text(&id) else { return arg };
    let long = text(&format!("{id}__long")).map(|long| long + &defaults(&arg));
    help += &defaults(&arg);
    let arg = arg.help(help).help_heading(heading).hide_default_value(true).hide_possible_values(true);
    match long {
        Some(long) => arg.long_help(long),
        None => arg.long_help(clap::builder::Resettable::Reset),
    }
}

/// What clap would say in English.
fn defaults(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes && !values.is_empty() { format!("［既定値: {}］", values.join(" ")) } else { String::new() }
}

fn text(id: &str) -> Option<String> {
    HELP_JA.iter().find(|(known, _)| *known == id).map(|(_, pieces)| render(pieces, &[]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every text that `--help` can show, with where it stands.
    fn texts(command: &Command, path: &str, all: &mut Vec<(String, String)>) {
        let mut add = |place: String, text: Option<String>| all.extend(text.map(|text| (place, text)));
        add(path.into(), command.get_about().map(ToString::to_string));
        add(path.into(), command.get_long_about().map(ToString::to_string));
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let place = format!("{path} {}", arg.get_id());
            add(place.clone(), arg.get_help().map(ToString::to_string));
            add(place.clone(), arg.get_long_help().map(ToString::to_string));
            add(place, arg.get_help_heading().map(ToString::to_string));
        }
        for sub in command.get_subcommands() {
            texts(sub, &format!("{path} {}", sub.get_name()), all);
        }
    }

    #[test]
    fn no_text_of_help_is_left_in_english() {
        let is_japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
        let mut all = Vec::new();
        texts(&command(Language::Ja), "wardkey", &mut all);
        assert!(all.len() > 100, "{}", all.len());
        for (place, text) in all {
            assert!(text.chars().any(is_japanese), "{place}: {text}");
        }
    }

    #[test]
    fn no_translation_is_left_over() {
        let mut used: BTreeSet<String> = ["help", "option_help", "option_version"].map(Into::into).into();
        fn walk(command: &Command, path: &str, used: &mut BTreeSet<String>) {
            let id = if path.is_empty() { "wardkey" } else { path };
            used.insert(id.into());
            used.extend(command.get_long_about().map(|_| format!("{id}__long")));
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                used.insert(format!("{id}_{}", arg.get_id()));
                used.extend(arg.get_long_help().map(|_| format!("{id}_{}__long", arg.get_id())));
            }
            for sub in command.get_subcommands() {
                let name = sub.get_name();
                walk(sub, &below(path, name), used);
            }
        }
        walk(&Cli::command(), "", &mut used);
        let known: BTreeSet<String> = HELP_JA.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(known, used);
    }

    #[test]
    fn every_command_has_an_example() {
        fn walk(command: &Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(walk);
            } else {
                let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(example.contains("wardkey "), "{}", command.get_name());
            }
        }
        walk(&Cli::command());
    }

    #[test]
    fn help_is_shown_and_arguments_are_read_in_both_languages() {
        for (language, usage) in [(Language::Ja, "使い方: wardkey join"), (Language::En, "Usage: wardkey join")] {
            for line in ["wardkey join --help", "wardkey help join"] {
                let shown = command(language).try_get_matches_from(line.split(' ')).unwrap_err();
                assert_eq!(shown.exit_code(), 0, "{shown}");
                assert!(shown.to_string().contains(usage), "{shown}");
            }
            let read = command(language).try_get_matches_from(["wardkey", "enrol", "--code", "A", "--json"]);
            assert!(read.unwrap().get_flag("json"));
        }
    }
}
