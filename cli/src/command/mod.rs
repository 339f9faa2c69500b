//! The commands, one file each, and which arguments run which.

mod check;
mod disable;
mod doctor;
mod edit;
mod enable;
mod enroll;
mod enroll_console;
mod join;
mod key;
mod status;
mod sync;
mod try_login;
mod who;

use wardkey_core::exit::Exit;

use crate::args::{Action, Cli, ConfigAction, KeyAction};
use crate::console::Wait;
use crate::context::{Context, Environment, language};
use crate::output::Output;

/// Runs a command. ([`Exit::Usage`] comes from reading the arguments.)
pub fn run(cli: &Cli, env: &mut Environment<'_>) -> Exit {
    let language = language(cli.lang.as_deref());
    let mut context = Context { cli, language, patience: Wait::ForEver, env };
    let done = match &cli.action {
        Action::Status => status::status(&mut context).map(well),
        Action::Who(options) => who::who(&mut context, options).map(well),
        Action::Try(options) => try_login::try_login(&mut context, options),
        Action::Sync => sync::sync(&mut context).map(well),
        Action::Join(options) => join::join(&mut context, options).map(well),
        Action::Enable(options) => enable::enable(&mut context, options).map(well),
        Action::Disable(options) => disable::disable(&mut context, options).map(well),
        Action::Doctor(options) => doctor::doctor(&mut context, options),
        Action::Config(ConfigAction::Check(options)) => {
            check::check(&mut context, options).map(well)
        }
        Action::Config(ConfigAction::Edit) => edit::edit(&mut context).map(well),
        Action::Enroll(options) => enroll::enroll(&mut context, options).map(well),
        Action::EnrollConsole(action) => enroll_console::enroll_console(&mut context, action),
        Action::Key(KeyAction::List(options)) => key::info(&mut context, options).map(well),
        Action::Key(KeyAction::ChangePin) => key::change_pin(&mut context).map(well),
    };
    match done {
        Ok((output, exit)) => {
            context.print(&output);
            exit
        }
        Err(error) => {
            context.fail(&error);
            error.exit()
        }
    }
}

/// A result, and the exit status of what is done.
fn well(output: Output) -> (Output, Exit) {
    (output, Exit::Done)
}
