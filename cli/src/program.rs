//! The program: what `main` gives to a command.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use wardkey_core::exit::Exit;
use wardkey_settings::files::Owner;

use crate::args::Cli;
use crate::command::run;
use crate::console::Console;
use crate::context::Environment;
use crate::places::Places;

/// The command line as clap knows it, for man pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs `wardkey` with the arguments of the process.
pub fn main() -> ExitCode {
    // No core dump, no ptrace by the same user: PINs pass through this memory. Where the kernel
    // does not know it, the PIN is as safe as in any other program.
    let _ = nix::sys::prctl::set_dumpable(false);
    let cli = Cli::parse();
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
