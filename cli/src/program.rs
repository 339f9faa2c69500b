//! The program: what `main` gives to a command.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::name::Language;
use wardkey_help::arguments::{self, Unread};
use wardkey_settings::files::Owner;

use crate::args::{Action, Cli, EnrollConsoleAction};
use crate::command::run;
use crate::console::Console;
use crate::context::{Environment, language};
use crate::error::CliError;
use crate::help;
use crate::places::Places;

/// The command line as clap knows it, for man pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the arguments of the process; help and errors are shown in the caller's language.
fn arguments() -> Result<Cli, Exit> {
    let given: Vec<OsString> = std::env::args_os().collect();
    let words: Vec<String> = given.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let language = language(lang(&words));

    arguments::read(&help::command(language), &given).map_err(|unread| match unread {
        Unread::Shown => Exit::Done,
        Unread::Bare => Exit::Usage,
        Unread::Wrong { why, json } => {
            let wrong = CliError::Usage(why);
            say(&wrong, json, language);
            wrong.exit()
        }
    })
}

/// Says on standard error what went wrong, for people or for programs.
fn say(error: &CliError, json: bool, language: Language) {
    let said = if json { error.to_json().to_string() } else { error.to_text(language) };
    let _ = writeln!(std::io::stderr(), "{said}");
}

/// The value of `--lang`, before the arguments are read.
fn lang(given: &[String]) -> Option<&str> {
    let after = given.iter().skip_while(|argument| *argument != "--lang").nth(1);
    given.iter().find_map(|argument| argument.strip_prefix("--lang=")).or(after.map(String::as_str))
}

/// Runs `wardkey` with the arguments of the process.
pub fn main() -> ExitCode {
    // No core dump, no ptrace by the same user: PINs pass through this memory. Where the kernel
    // does not know it, the PIN is as safe as in any other program.
    let _ = nix::sys::prctl::set_dumpable(false);
    let cli = match arguments() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let agent = nix::unistd::User::from_name("wardkey").ok().flatten();
    let mut person = match Console::standard() {
        Ok(person) => person,
        Err(error) => {
            let error = CliError::Unreachable { code: Code::Internal, cause: error.into() };
            say(&error, cli.common.json, language(cli.lang.as_deref()));
            return error.exit().into();
        }
    };
    if matches!(cli.action, Action::EnrollConsole(EnrollConsoleAction::Run))
        && let Err(error) = person.confine()
    {
        let error = CliError::because(Code::ConsoleUnprotected, error);
        say(&error, cli.common.json, language(cli.lang.as_deref()));
        return error.exit().into();
    }
    let exit = run(
        &cli,
        &mut Environment {
            agent_owner: Some(agent.map_or(0, |user| user.uid.as_raw())),
            key_owner: Some(0),
            root: nix::unistd::geteuid().is_root(),
            machine_id: "/etc/machine-id".into(),
            places: Places::default(),
            files_owner: Owner::ROOT,
            anchor: "/etc/wardkey/anchor.toml".into(),
            marks: "/var/lib/wardkey-marks/marks".into(),
            person: &mut person,
            out: &mut std::io::stdout(),
            errors: &mut std::io::stderr(),
        },
    );
    exit.into()
}
