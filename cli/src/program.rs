//! The program: what `main` gives to a command.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_help::usage::explain;
use wardkey_settings::files::Owner;

use crate::args::Cli;
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
    let program = help::command(language);
    let read = program.clone().try_get_matches_from(&given);
    let error = match read.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    if !error.use_stderr() {
        let _ = error.print();
        return Err(Exit::Done);
    }
    let is_json = words.iter().any(|word| word == "--json");
    let wrong = CliError::Usage(explain(&error, &program, &given));
    let _ = if is_json {
        writeln!(std::io::stderr(), "{}", wrong.to_json())
    } else if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.print()
    } else {
        writeln!(std::io::stderr(), "{}", wrong.to_text(language))
    };
    Err(wrong.exit())
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
            let said = if cli.json {
                error.to_json().to_string()
            } else {
                error.to_text(language(cli.lang.as_deref()))
            };
            let _ = writeln!(std::io::stderr(), "{said}");
            return error.exit().into();
        }
    };
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
            person: &mut person,
            out: &mut std::io::stdout(),
            errors: &mut std::io::stderr(),
        },
    );
    exit.into()
}
