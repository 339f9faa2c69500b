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
use crate::context::{Context, Environment, language};
use crate::output::Output;

/// Runs a command; the exit code: 0 done, 1 refused, 3 agent or key process cannot be reached.
/// (2, wrong usage, comes from reading the arguments.)
pub fn run(cli: &Cli, env: &mut Environment<'_>) -> u8 {
    let mut context = Context { cli, language: language(cli), env };
    let done = match &cli.action {
        Action::Status => status::status(&mut context).map(well),
        Action::Sync => sync::sync(&mut context).map(well),
        Action::Join(options) => join::join(&mut context, options).map(well),
        Action::Enable(options) => enable::enable(&mut context, options).map(well),
        Action::Disable(options) => disable::disable(&mut context, options).map(well),
        Action::Doctor(options) => doctor::doctor(&mut context, options),
        Action::Config(ConfigAction::Check(options)) => check::check(&mut context, options).map(well),
        Action::Config(ConfigAction::Edit) => edit::edit(&mut context).map(well),
        Action::Enroll(options) => enroll::enroll(&mut context, options).map(well),
        Action::Key(KeyAction::Info) => key::info(&mut context).map(well),
        Action::Key(KeyAction::ChangePin) => key::change_pin(&mut context).map(well),
    };
    match done {
        Ok((output, status)) => {
            context.print(&output);
            status
        }
        Err(error) => {
            context.fail(&error);
            error.exit_code()
        }
    }
}

/// A result, and the exit code of what is done.
fn well(output: Output) -> (Output, u8) {
    (output, 0)
}
