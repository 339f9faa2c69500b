//! Every command that a text tells somebody to type is one that `--help` shows.
//!
//! Spellings of before still work, hidden, for scripts; no text teaches them.

mod find;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Command;
use wardkey_pages::commands;

use find::{Form, Named, is_word};

/// What is wrong with a command, or nothing.
fn fault(programs: &[Command], named: &Named) -> Option<String> {
    match &named.program {
        Some(name) => {
            let program = programs.iter().find(|program| program.get_name() == name)?;
            walk(program, &named.words).err()
        }
        // "token add" is a command of some program; "systemctl reload" is none of ours.
        None => {
            let first = &named.words[0];
            let have: Vec<&Command> =
                programs.iter().filter(|program| shown(program, first).is_some()).collect();
            let group = |program: &&Command| {
                shown(program, first).is_some_and(Command::has_subcommands)
                    && is_word(&named.words[1])
            };
            let option = named.words[1].starts_with("--");
            if !option && !have.iter().any(group) {
                return None;
            }
            let faults: Vec<String> =
                have.iter().filter_map(|program| walk(program, &named.words).err()).collect();
            (!have.is_empty() && faults.len() == have.len()).then(|| faults.join("; "))
        }
    }
}

fn shown<'a>(command: &'a Command, name: &str) -> Option<&'a Command> {
    command.get_subcommands().find(|sub| sub.get_name() == name && !sub.is_hide_set())
}

fn walk(program: &Command, words: &[String]) -> Result<(), String> {
    let mut command = program;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(option) = word.strip_prefix("--") {
            let (long, value) =
                option.split_once('=').map_or((option, None), |(long, value)| (long, Some(value)));
            let arg = command
                .get_arguments()
                .find(|arg| !arg.is_hide_set() && arg.get_long() == Some(long));
            match arg {
                Some(arg) if value.is_none() && arg.get_action().takes_values() => {
                    words.next();
                }
                Some(_) => {}
                None if long.is_empty() => break,
                None => return Err(format!("{} has no option --{long}", name(command))),
            }
        } else if command.has_subcommands() {
            if !is_word(word) {
                break;
            }
            command = shown(command, word)
                .ok_or_else(|| format!("{} has no command {word}", name(command)))?;
        }
    }
    Ok(())
}

fn name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn files(root: &Path, folder: &str, wanted: &[&str], into: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files(root, &relative, wanted, into);
        } else if wanted.iter().any(|end| relative.ends_with(end)) {
            into.insert(path);
        }
    }
}

/// What `--help` itself says, of a program and everything below it.
fn help(command: &Command, into: &mut Vec<String>) {
    into.push(command.clone().render_long_help().to_string());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        help(sub, into);
    }
}

/// A manual page as it is read, without what it says of spellings of before.
fn manual(text: &str) -> String {
    let text = text.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
    let Some((before, after)) = text.split_once("Spellings of earlier versions") else {
        return text;
    };
    let after = after.split_once(".PP").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// Every text, with where it stands.
fn texts(programs: &[Command]) -> Vec<(String, Form, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = BTreeSet::new();
    for folder in ["cli/texts", "core", "server/texts", "verify/texts"] {
        files(&root, folder, &[".ftl"], &mut paths);
    }
    files(&root, "debian", &[".templates", ".po", ".README.Debian"], &mut paths);
    files(&root, "docs", &[".md", ".1", ".5", ".8"], &mut paths);
    files(&root, "siem", &[".md"], &mut paths);
    paths.extend(["README.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| root.join(name)));

    let of_file = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let (form, text) = match path.extension().unwrap().to_str().unwrap() {
            "md" => (Form::Markdown, text),
            "1" | "5" | "8" => (Form::Sentences, manual(&text)),
            _ => (Form::Sentences, text),
        };
        (path.strip_prefix(&root).unwrap().display().to_string(), form, text)
    };
    let of_program = |program: &Command| {
        let mut all = Vec::new();
        help(program, &mut all);
        (format!("{} --help", program.get_name()), Form::Sentences, all.join("\n"))
    };
    paths.iter().map(of_file).chain(programs.iter().map(of_program)).collect()
}

fn programs() -> Vec<Command> {
    let mut all = commands::all();
    all.iter_mut().for_each(Command::build);
    all.into()
}

#[test]
fn every_command_that_a_text_names_is_one_that_help_shows() {
    let programs = programs();
    let mut looked_at = 0;
    let mut faults = Vec::new();
    for (at, form, text) in texts(&programs) {
        for named in find::all(&text, form) {
            looked_at += 1;
            // A line of PAM, which has types of its own: account, session.
            if named.words.iter().any(|word| word.ends_with(".so")) {
                continue;
            }
            if let Some(fault) = fault(&programs, &named) {
                let program = named.program.as_deref().unwrap_or_default();
                faults.push(format!("{at}: \"{program} {}\": {fault}", named.words.join(" ")));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(looked_at > 1000, "{looked_at}");
}

#[test]
fn a_spelling_of_before_and_an_option_of_another_command_are_faults() {
    let programs = programs();
    let faults = |text: &str| {
        find::all(text, Form::Markdown).iter().filter_map(|named| fault(&programs, named)).count()
    };
    for wrong in [
        "`wardkey-server terminal token --replace x`",
        "`wardkey-server token add --approve-all`",
        "`wardkey enrol`",
        "`terminal token --replace x`",
        "`token list --replace x`",
    ] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
    for right in [
        "`wardkey-server token add --replace x`",
        "`wardkey --lang en status`",
        "`token add --replace x`",
        "`systemctl reload wardkey-server`",
    ] {
        assert_eq!(faults(right), 0, "{right}");
    }
}
