//! `wardkey`, the command line of a terminal: join, state, enrolment of keys, change of a PIN, check of
//! the configuration, and switching logins with keys on and off.
//!
//! ```text
//!   args ─> lib::run ─┬─ join ───> agent ──> anchor (root's file, after the token was checked again)
//!                     ├─ enroll ─> agent (code, registration), key process (PIN)
//!                     ├─ keys ───> key process
//!                     ├─ status ─> agent
//!                     ├─ check ──> wardkey-settings (the readers of module and agent)
//!                     ├─ edit ───> the editor, check, local_list (who gets in while pam.toml is broken)
//!                     ├─ doctor ─> wardkey-stacks (PAM as libpam reads it), files and accounts, agent
//!                     └─ enable ─> test_login (libpam), ways_in, undo, profile (pam-auth-update)
//!   console: questions without echo     peers: the two sockets     show, words: what is printed
//! ```
//! It never talks to the network. A PIN goes to the key process only, and only after the kernel
//! said that root owns that socket.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod anchor;
mod args;
mod check;
mod console;
mod doctor;
mod edit;
mod enable;
mod enroll;
mod error;
mod files;
mod join;
mod keys;
mod local_list;
mod peers;
mod places;
mod profile;
mod show;
mod status;
mod test_login;
mod undo;
mod ways_in;
mod words;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use wardkey_core::name::Language;

pub use args::{Action, Cli, ConfigAction, KeyAction};
pub use console::{Console, NoAnswer, Person};
pub use error::CliError;
pub use places::Places;
use wardkey_settings::files::Owner;

use show::Output;

/// The surroundings that a test replaces; no option and no variable does.
pub struct Surroundings<'a> {
    /// The uid that must own the agent's socket (root may always); `None`: anybody.
    pub agent_owner: Option<u32>,
    /// The uid that must own the key process's socket (root may always); `None`: anybody.
    pub key_owner: Option<u32>,
    /// Whether the caller is root.
    pub root: bool,
    /// `/etc/machine-id`.
    pub machine_id: PathBuf,
    /// Files and folders of the machine.
    pub places: Places,
    /// Who owns the configuration: root.
    pub files_owner: Owner,
    /// The trust anchor, `/etc/wardkey/anchor.toml`, by which an enrolment is checked.
    pub anchor: PathBuf,
    /// Whom to ask and tell.
    pub person: &'a mut dyn Person,
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where error messages go (without `--json`).
    pub errors: &'a mut dyn Write,
}

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
            return ExitCode::from(2);
        }
    };
    let code = run(
        &cli,
        &mut Surroundings {
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
    ExitCode::from(code)
}

/// Runs a command; the exit code: 0 done, 1 refused, 3 agent or key process cannot be reached.
/// (2, wrong usage, comes from reading the arguments.)
pub fn run(cli: &Cli, around: &mut Surroundings<'_>) -> u8 {
    let mut work = Work { cli, language: language(cli), around };
    let done = match &cli.action {
        Action::Status => status::status(&mut work).map(well),
        Action::Sync => status::sync(&mut work).map(well),
        Action::Join(options) => join::join(&mut work, options).map(well),
        Action::Enable(options) => enable::enable(&mut work, options).map(well),
        Action::Disable(options) => enable::disable(&mut work, options).map(well),
        Action::Doctor(options) => doctor::doctor(&mut work, options),
        Action::Config(ConfigAction::Check(options)) => check::check(&mut work, options).map(well),
        Action::Config(ConfigAction::Edit) => edit::edit(&mut work).map(well),
        Action::Enroll(options) => enroll::enroll(&mut work, options).map(well),
        Action::Key(KeyAction::Info) => keys::info(&mut work).map(well),
        Action::Key(KeyAction::ChangePin) => keys::change_pin(&mut work).map(well),
    };
    match done {
        Ok((output, status)) => {
            work.print(&output);
            status
        }
        Err(error) => {
            work.fail(&error);
            error.exit_code()
        }
    }
}

/// A result, and the exit code of what is done.
fn well(output: Output) -> (Output, u8) {
    (output, 0)
}

/// A command under way.
struct Work<'w, 'a> {
    cli: &'w Cli,
    language: Language,
    around: &'w mut Surroundings<'a>,
}

impl Work<'_, '_> {
    fn words(&self) -> &'static words::Words {
        words::of(self.language)
    }

    /// Tells the person something that is not the result.
    fn say(&mut self, text: &str) {
        self.around.person.say(text);
    }

    fn say_code(&mut self, code: wardkey_core::code::Code, args: &[(&str, &str)]) {
        let text = wardkey_core::texts::message(code, self.language, args);
        self.say(&text);
    }

    fn print(&mut self, output: &Output) {
        // A closed pipe (`wardkey status | head -1`) is no failure of what was done.
        let _ = if self.cli.json {
            writeln!(self.around.out, "{}", output.json)
        } else {
            writeln!(self.around.out, "{}", output.text.trim_end())
        };
        let _ = self.around.out.flush();
    }

    fn fail(&mut self, error: &CliError) {
        let _ = if self.cli.json {
            writeln!(self.around.out, "{}", error.to_json(self.language))
        } else {
            writeln!(self.around.errors, "{}", error.to_text(self.language))
        };
    }
}

/// `--lang`, else the locale of the messages, else Japanese.
fn language(cli: &Cli) -> Language {
    let locale =
        || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    cli.lang.clone().or_else(locale).and_then(|text| text.parse().ok()).unwrap_or_default()
}
