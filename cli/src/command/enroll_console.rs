//! `wardkey enroll-console`: whether the enrollment console is open. What it does there is
//! `enroll/at_console.rs`.

use std::path::Path;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;

use crate::args::EnrollConsoleAction;
use crate::context::Context;
use crate::enroll_console::{self as console, ACCOUNT, FILE, LINK, TTY, UNIT};
use crate::error::CliError;
use crate::files;
use crate::output::Output;
use crate::systemd::{self, systemctl};
use crate::texts::{Phrase, Text};

use super::enroll;

pub(crate) fn enroll_console(
    context: &mut Context<'_, '_>,
    action: &EnrollConsoleAction,
) -> Result<(Output, Exit), CliError> {
    let output = match action {
        EnrollConsoleAction::Enable => enable(context),
        EnrollConsoleAction::Disable => disable(context),
        EnrollConsoleAction::Status => Ok(shown(context)),
        EnrollConsoleAction::Run => enroll::at_console(context),
    };
    output.map(|output| (output, Exit::Done))
}

fn enable(context: &Context<'_, '_>) -> Result<Output, CliError> {
    needs_root(context)?;
    let root = &context.env.places.root;
    if !console::is_installed(root) {
        return Err(files::failed(&Path::new("/").join(FILE), Text::NoSuchFile));
    }
    if let Some(problem) = console::problems(root).into_iter().next() {
        return Err(refused(Code::EnrollAccount, ("account", ACCOUNT), problem));
    }
    if console::runs(root) {
        // Whoever is enrolling there goes on.
        link(root)?;
        systemctl(&["daemon-reload"]);
        return Ok(shown(context));
    }
    if let Some(holder) = console::taken_by(root) {
        return Err(refused(Code::ConsoleTaken, ("tty", TTY), holder));
    }
    let was_enabled = !console::links(root).is_empty();
    link(root)?;
    if systemd::runs(root) && !starts(root) {
        // It is not tried again in a second, nor when the machine starts if it was not before.
        if !was_enabled {
            unlink(root)?;
        }
        systemctl(&["stop", UNIT]);
        systemctl(&["daemon-reload"]);
        return Err(CliError::with(Code::ConsoleNotStarted, UNIT));
    }
    Ok(shown(context))
}

/// Whether the console shows its first screen: systemctl comes back then, when it has failed, and
/// also when a condition of the unit is not met.
fn starts(root: &Path) -> bool {
    systemctl(&["daemon-reload"]) && systemctl(&["start", UNIT]) && console::runs(root)
}

fn refused(
    code: Code,
    (name, value): (&'static str, &'static str),
    detail: impl Into<Phrase>,
) -> CliError {
    let args = vec![(name, value.into())];
    CliError::Refused { code, args, detail: Some(detail.into()), cause: None }
}

/// The link that systemctl(1) would make, also where systemd does not run: in an image.
fn link(root: &Path) -> Result<(), CliError> {
    let link = root.join(LINK);
    if let Some(folder) = link.parent() {
        std::fs::create_dir_all(folder).map_err(|error| files::broken(folder, error))?;
    }
    match std::os::unix::fs::symlink(Path::new("/").join(FILE), &link) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(files::broken(&link, error))
        }
        _ => Ok(()),
    }
}

/// Takes every link away, whoever made it.
fn unlink(root: &Path) -> Result<(), CliError> {
    console::links(root).iter().try_for_each(|link| files::remove(link))
}

fn disable(context: &Context<'_, '_>) -> Result<Output, CliError> {
    needs_root(context)?;
    let root = &context.env.places.root;
    unlink(root)?;
    if systemd::runs(root) && console::is_installed(root) {
        let is_closed = systemctl(&["stop", UNIT]) && !console::runs(root);
        systemctl(&["daemon-reload"]);
        if !is_closed {
            return Err(CliError::with(Code::ConsoleNotStarted, UNIT));
        }
    }
    let text = context.text(Text::ConsoleClosed);
    Ok(Output { text, json: json!({ "enabled": false, "running": false }) })
}

fn shown(context: &Context<'_, '_>) -> Output {
    let root = &context.env.places.root;
    let (enabled, running) = (!console::links(root).is_empty(), console::runs(root));
    let tty = [("tty", TTY)];
    let text = match (enabled, running) {
        (_, true) => Text::ConsoleOn,
        (true, false) => Text::ConsoleEnabled,
        (false, false) => Text::ConsoleNowhere,
    };
    let mut text = context.text_with(text, &tty);
    if enabled || running {
        text += &format!("\n{}", context.text(Text::ConsoleWho));
    }
    if running && !enabled {
        text += &format!("\n{}", context.text(Text::ConsoleByHand));
    }
    Output { text, json: json!({ "tty": TTY, "enabled": enabled, "running": running }) }
}

fn needs_root(context: &Context<'_, '_>) -> Result<(), CliError> {
    if context.env.root { Ok(()) } else { Err(CliError::new(Code::NeedsRoot)) }
}
