//! The commands, one file each, and which arguments run which.

mod check;
mod disable;
mod doctor;
mod edit;
mod enable;
mod enroll;
mod join;
mod key;
mod status;
mod sync;

use crate::args::{Action, Cli, ConfigAction, KeyAction};
use crate::context::{Surroundings, Work, language};
use crate::output::Output;

/// Runs a command; the exit code: 0 done, 1 refused, 3 agent or key process cannot be reached.
/// (2, wrong usage, comes from reading the arguments.)
pub fn run(cli: &Cli, around: &mut Surroundings<'_>) -> u8 {
    let mut work = Work { cli, language: language(cli), around };
    let done = match &cli.action {
        Action::Status => status::status(&mut work).map(well),
        Action::Sync => sync::sync(&mut work).map(well),
        Action::Join(options) => join::join(&mut work, options).map(well),
        Action::Enable(options) => enable::enable(&mut work, options).map(well),
        Action::Disable(options) => disable::disable(&mut work, options).map(well),
        Action::Doctor(options) => doctor::doctor(&mut work, options),
        Action::Config(ConfigAction::Check(options)) => check::check(&mut work, options).map(well),
        Action::Config(ConfigAction::Edit) => edit::edit(&mut work).map(well),
        Action::Enroll(options) => enroll::enroll(&mut work, options).map(well),
        Action::Key(KeyAction::Info) => key::info(&mut work).map(well),
        Action::Key(KeyAction::ChangePin) => key::change_pin(&mut work).map(well),
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
