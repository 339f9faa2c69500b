//! Synopses, options and subcommands, as clap knows them: what `--help` says.

use std::fmt::Write;

use clap::Command;
use clap_mangen::Man;

use crate::roff;

/// The programs with a command line, by name.
pub fn all() -> [Command; 6] {
    [
        wardkey_cli::command(),
        wardkey_agent::arguments::command(),
        wardkey_key::arguments::command(),
        wardkey_lock::arguments::command(),
        wardkey_server::command(),
        wardkey_verify::command(),
    ]
}

/// A program by its name.
pub fn by_name(name: &str) -> Option<Command> {
    all().into_iter().find(|command| command.get_name() == name)
}

/// How a program is called.
pub fn synopsis(command: &Command) -> String {
    usage(&mut built(command))
}

/// The options of a program itself.
pub fn options(command: &Command) -> String {
    arguments(&built(command))
}

/// The subcommands of a program, each with its own options: `.SS` and what follows.
pub fn subcommands(command: &Command) -> String {
    let command = built(command);
    let global: Vec<&str> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().as_str())
        .collect();
    let mut out = String::new();
    for (name, mut leaf) in leaves(&command, "") {
        let _ = writeln!(out, ".SS {}", roff::argument(&name));
        out.push_str(&usage(&mut leaf));
        let about = leaf
            .get_long_about()
            .or_else(|| leaf.get_about())
            .map(ToString::to_string)
            .unwrap_or_default();
        for paragraph in about.split("\n\n") {
            let _ = writeln!(out, ".PP\n{}", roff::text(&paragraph.replace('\n', " ")));
        }
        // The options of the program itself are described once.
        let own = leaf.mut_args(|arg| {
            let id = arg.get_id().as_str();
            let hide =
                global.contains(&id) || ["help", "version"].contains(&id) || arg.is_hide_set();
            arg.hide(hide)
        });
        out.push_str(&arguments(&own));
    }
    out
}

/// The names of all subcommands that can be called, such as `person add`.
pub fn names(command: &Command) -> Vec<String> {
    leaves(&built(command), "").into_iter().map(|(name, _)| name).collect()
}

fn built(command: &Command) -> Command {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    command
}

fn leaves(command: &Command, above: &str) -> Vec<(String, Command)> {
    let mut all = Vec::new();
    for sub in
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    {
        let name = format!("{above}{}{}", if above.is_empty() { "" } else { " " }, sub.get_name());
        if sub.has_subcommands() {
            all.extend(leaves(sub, &name));
        } else {
            all.push((name, sub.clone()));
        }
    }
    all
}

fn usage(command: &mut Command) -> String {
    let usage = command.render_usage().to_string();
    let mut out = String::from(".nh\n");
    for line in
        usage.trim_start_matches("Usage:").lines().map(str::trim).filter(|line| !line.is_empty())
    {
        let _ = writeln!(out, ".B {}", roff::text(line));
    }
    out + ".hy\n"
}

/// The list that `clap_mangen` makes, without its heading and preamble.
fn arguments(command: &Command) -> String {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = Man::new(command.clone()).render_options_section(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        // Breaks and empty lines stand before "Possible values", which reads as well in the
        // paragraph.
        .filter(|line| {
            ![".SH", ".ie ", ".el ", ".br"].iter().any(|not| line.starts_with(not))
                && !line.is_empty()
        })
        .fold(String::new(), |all, line| all + line + "\n")
}
