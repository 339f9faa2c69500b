//! What the two command lines share: reading the arguments, with `--json` ([`arguments`]), `--help`
//! in the language of the caller, what is wrong with a command line ([`usage`]), and how an error
//! looks in JSON ([`json`]).
//!
//! The English texts of `--help` stand with the arguments, the Japanese
//! ones in `texts/help.ja.ftl` of each program:
//!
//! ```text
//!   clap::Command (English) ── Japanese::translate ──> clap::Command (Japanese)
//!   ids:  PROGRAM, COMMAND-SUBCOMMAND, ..._OPTION, any_OPTION of commands without their own;
//!         ...__long the long form, ...__after what follows
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod arguments;
pub mod json;
mod texts;
pub mod usage;

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command};
use wardkey_core::exit::Exit;
use wardkey_core::phrase::{Sentence, render};

/// What stands before what, in Japanese.
const TEMPLATE: &str = "{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";
const ARGUMENTS: &str = "引数";
const OPTIONS: &str = "オプション";

/// The Japanese texts of a program.
#[derive(Clone, Copy, Debug)]
pub struct Japanese {
    /// The program's name, which is the id of its own text.
    pub program: &'static str,
    /// Ids and texts.
    pub texts: &'static [(&'static str, Sentence)],
    /// The heading of the options of plumbing: in English, and in Japanese.
    pub plumbing: (&'static str, &'static str),
}

impl Japanese {
    /// The command line with its texts in Japanese.
    #[must_use]
    pub fn translate(&self, command: Command) -> Command {
        let mut command = with_help_first(command);
        // From here on it has what clap adds: help, version, and the global options of each
        // command.
        command.build();
        self.translated(command, "")
    }

    fn translated(&self, command: Command, path: &str) -> Command {
        let id = self.id(path);
        let mut command = command.help_template(TEMPLATE).subcommand_help_heading("コマンド");
        if let Some(about) = self.text(id) {
            command = command.about(about);
        }
        if let Some(long) = self.text(&format!("{id}__long")) {
            command = command.long_about(long);
        }
        if let Some(after) = self.text(&format!("{id}__after")) {
            command = command.after_help(after);
        } else if let Some(example) = command.get_after_help().map(ToString::to_string) {
            let example = example.replacen("Examples:", "例:", 1).replacen("Example:", "例:", 1);
            let statuses = arguments::table_in_japanese();
            command = command.after_help(example.replacen(&Exit::table(), &statuses, 1));
        }
        let path = path.to_owned();
        command.mut_args(|arg| self.option(arg, id)).mut_subcommands(|sub| {
            let name = sub.get_name().to_owned();
            if name == "help" {
                self.listed(sub, "help", &path)
            } else {
                self.translated(sub, &below(&path, &name))
            }
        })
    }

    /// A command as `help` lists it: a copy with its name and a sentence.
    fn listed(&self, command: Command, id: &str, path: &str) -> Command {
        let path = path.to_owned();
        let about = self.text(id).unwrap_or_default();
        command.about(about).mut_subcommands(|sub| {
            let id = if sub.get_name() == "help" {
                "help".to_owned()
            } else {
                below(&path, sub.get_name())
            };
            let path = id.clone();
            self.listed(sub, &id, &path)
        })
    }

    fn option(&self, arg: Arg, command: &str) -> Arg {
        let name = arg.get_id().to_string();
        let id = match name.as_str() {
            "help" | "version" => format!("option_{name}"),
            _ if arg.is_global_set() => format!("{}_{name}", self.program),
            _ => format!("{command}_{name}"),
        };
        let heading = match arg.get_help_heading() {
            Some(heading) if heading == self.plumbing.0 => self.plumbing.1,
            _ if arg.is_positional() => ARGUMENTS,
            _ => OPTIONS,
        };
        let any = || match name.as_str() {
            "json" => Some(arguments::json_in_japanese()),
            _ => self.text(&format!("any_{name}")),
        };
        let Some(mut help) = self.text(&id).or_else(any) else { return arg };
        let long = self.text(&format!("{id}__long")).map(|long| long + &defaults(&arg));
        help += &defaults(&arg);
        let arg = arg
            .help(help)
            .help_heading(heading)
            .hide_default_value(true)
            .hide_possible_values(true);
        match long {
            Some(long) => arg.long_help(long),
            None => arg.long_help(clap::builder::Resettable::Reset),
        }
    }

    fn id<'p>(&self, path: &'p str) -> &'p str
    where
        'static: 'p,
    {
        if path.is_empty() { self.program } else { path }
    }

    fn text(&self, id: &str) -> Option<String> {
        self.texts.iter().find(|(known, _)| *known == id).map(|(_, text)| render(*text, &[]))
    }

    /// What a test of the program wants to be empty: texts that `--help` still shows in English,
    /// translations that nothing uses, commands without an example, and options of plumbing that
    /// stand before others.
    pub fn faults(&self, english: &Command) -> Vec<String> {
        let mut faults = Vec::new();
        let japanese = self.translate(english.clone());
        left_in_english(&japanese, self.program, &mut faults);
        let mut built = english.clone();
        built.build();
        plumbing_not_last(&built, self.plumbing.0, &mut faults);
        plumbing_not_last(&japanese, self.plumbing.1, &mut faults);

        let mut used: BTreeSet<String> =
            ["help", "option_help", "option_version"].map(Into::into).into();
        self.needed(english, "", &mut used);
        for (id, _) in self.texts {
            if !used.contains(*id) {
                faults.push(format!("{id} is used nowhere"));
            }
        }
        without_example(english, self.program, &mut faults);
        faults
    }

    fn needed(&self, command: &Command, path: &str, used: &mut BTreeSet<String>) {
        let id = self.id(path);
        used.extend([id.to_owned(), format!("{id}__after")]);
        used.extend(command.get_long_about().map(|_| format!("{id}__long")));
        for arg in command.get_arguments() {
            used.extend([format!("{id}_{}", arg.get_id()), format!("any_{}", arg.get_id())]);
            used.extend(arg.get_long_help().map(|_| format!("{id}_{}__long", arg.get_id())));
        }
        for sub in command.get_subcommands() {
            self.needed(sub, &below(path, sub.get_name()), used);
        }
    }
}

/// clap shows headings in the order in which they first occur, and adds --help at the end: where a
/// command has only options of plumbing, these would stand before it. So --help is ours, and first
/// among the arguments; it is shown where clap shows its own.
fn with_help_first(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print help");
    let command = command.disable_help_flag(true).arg(help.display_order(999));
    let mut args: Vec<Arg> = command.get_arguments().cloned().collect();
    args.rotate_right(1);
    let mut args = args.into_iter();
    command.mut_args(|arg| args.next().unwrap_or(arg)).mut_subcommands(with_help_first)
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}-{name}") }
}

/// What clap would say in English.
fn defaults(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let values: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes && !values.is_empty() {
        format!("［既定値: {}］", values.join(" "))
    } else {
        String::new()
    }
}

fn left_in_english(command: &Command, path: &str, faults: &mut Vec<String>) {
    let is_japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
    let mut check = |place: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.chars().any(is_japanese)) {
            faults.push(format!("{place}: {text}"));
        }
    };
    check(path, command.get_about().map(ToString::to_string));
    check(path, command.get_long_about().map(ToString::to_string));
    check(path, command.get_after_help().map(ToString::to_string));
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let place = format!("{path} {}", arg.get_id());
        check(&place, arg.get_help().map(ToString::to_string));
        check(&place, arg.get_long_help().map(ToString::to_string));
        check(&place, arg.get_help_heading().map(ToString::to_string));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        left_in_english(sub, &format!("{path} {}", sub.get_name()), faults);
    }
}

fn plumbing_not_last(command: &Command, heading: &str, faults: &mut Vec<String>) {
    if command.has_subcommands() {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            plumbing_not_last(sub, heading, faults);
        }
        return;
    }
    let help = command.clone().render_long_help().to_string();
    let headings = help.lines().filter(|line| !line.starts_with(' ') && line.ends_with(':'));
    let example = ["Example:", "Examples:", "例:"];
    let last = headings.rev().find(|line| !example.contains(line));
    if last != Some(&format!("{heading}:")) {
        faults
            .push(format!("{}: \"{heading}\" is not the last of its options", command.get_name()));
    }
}

fn without_example(command: &Command, path: &str, faults: &mut Vec<String>) {
    if command.has_subcommands() {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            without_example(sub, &format!("{path} {}", sub.get_name()), faults);
        }
        return;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if !after.contains(path) {
        faults.push(format!("{path} has no example"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[(&str, Sentence)] = &[
        ("tool", Sentence::new("道具。")),
        ("add", Sentence::new("追加。")),
        ("add_name", Sentence::new("名前。")),
        ("help", Sentence::new("ヘルプ。")),
        ("option_help", Sentence::new("ヘルプ。")),
        ("option_version", Sentence::new("バージョン。")),
    ];

    fn japanese(texts: &'static [(&'static str, Sentence)]) -> Japanese {
        Japanese { program: "tool", texts, plumbing: ("Plumbing", "配管") }
    }

    fn tool() -> Command {
        let json =
            Arg::new("json").long("json").global(true).help("JSON.").action(ArgAction::SetTrue);
        let name = Arg::new("name").help("Name.").default_value("x");
        let add = Command::new("add").about("Add.").arg(name).after_help("Example:\n  tool add y");
        let json = json.help_heading("Plumbing");
        Command::new("tool").about("A tool.").arg(json).subcommand(add).after_help(Exit::table())
    }

    #[test]
    fn help_is_said_in_japanese() {
        let japanese = japanese(TEXTS);
        assert_eq!(japanese.faults(&tool()), [""; 0]);
        let shown = japanese.translate(tool()).try_get_matches_from(["tool", "add", "--help"]);
        let shown = shown.unwrap_err().to_string();
        for part in
            ["追加。", "使い方: tool add", "名前。［既定値: x］", "配管", "例:\n  tool add y"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let shown = japanese.translate(tool()).render_long_help().to_string();
        for part in ["JSON を 1 行で出力します。", "終了ステータス:\n  0  完了\n"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn options_of_plumbing_that_do_not_stand_last_are_a_fault() {
        let zeal = Arg::new("zeal").long("zeal").help_heading("Zeal").action(ArgAction::SetTrue);
        let command = tool().arg(zeal.global(true));
        let faults = japanese(TEXTS).faults(&command).join("\n");
        assert!(faults.contains("add: \"Plumbing\" is not the last"), "{faults}");
    }

    #[test]
    fn what_is_missing_left_over_or_without_example_is_a_fault() {
        const FEWER: &[(&str, Sentence)] =
            &[("tool", Sentence::new("道具。")), ("gone", Sentence::new("なし。"))];
        let command = tool().mut_subcommand("add", |add| add.after_help("読んでください"));
        let faults = japanese(FEWER).faults(&command).join("\n");
        for part in ["tool add: Add.", "tool add name: Name.", "gone is used", "has no example"] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }
}
