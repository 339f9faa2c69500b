//! The program: what `main` gives to a command.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::texts;
use wardkey_settings::files::Owner;

use crate::args::Cli;
use crate::command::run;
use crate::console::Console;
use crate::context::{Environment, language};
use crate::help;
use crate::places::Places;

/// The command line as clap knows it, for man pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the arguments of the process; help and errors are shown in the caller's language.
fn arguments() -> Result<Cli, Exit> {
    let given: Vec<String> = std::env::args().collect();
    let error = match help::command(language(lang(&given))).try_get_matches() {
        Ok(matches) => match Cli::from_arg_matches(&matches) {
            Ok(cli) => return Ok(cli),
            Err(error) => error,
        },
        Err(error) => error,
    };
    if !error.use_stderr() {
        let _ = error.print();
        return Err(Exit::Done);
    }
    if given.iter().any(|argument| argument == "--json") {
        let text = error.to_string();
        let detail = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let code = Code::RequestInvalid;
        let message = texts::message(code, language(lang(&given)), &[("reason", detail)]);
        let error = json!({ "code": code.to_string(), "number": code.number(), "message": message });
        let _ = writeln!(std::io::stderr(), "{}", json!({ "error": error }));
    } else {
        let _ = error.print();
    }
    Err(Exit::Usage)
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
            let _ = writeln!(std::io::stderr(), "wardkey: standard input: {error}");
            return Exit::Unavailable.into();
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
