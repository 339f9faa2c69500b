//! `wardkey config edit`: as visudo. A copy is edited and checked; only a copy without a fault
//! takes the file's place.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::name::printable;
use wardkey_settings::files::Replacement;
use wardkey_settings::problem::Problem;

use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::pam::local_list;
use crate::texts::Text;
use crate::{config, files};

/// Longest configuration in bytes, as its readers have it.
const MAX_BYTES: usize = 64 * 1024;
/// What is typed to edit once more.
const AGAIN: [&str; 3] = ["e", "edit", "え"];
/// Debian's: the editor that was chosen, or the first of some.
const EDITOR: &str = "sensible-editor";

pub(crate) fn edit(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let path = context.env.places.pam_config.clone();
    let replacement = Replacement::begin(&path, context.env.files_owner, Duration::ZERO)
        .map_err(|error| CliError::with(Code::Configuration, error.phrase()).caused_by(error))?;
    let before = files::read(&path, MAX_BYTES)?.unwrap_or_default();
    let copy = Copy::of(&path, &before)?;
    loop {
        run_editor(&copy.0)?;
        let problems = faults(context, &path, &copy.0);
        if problems.is_empty() {
            break;
        }
        for problem in &problems {
            let said = problem.phrase().say(context.language);
            context.say(&printable(&said, 4096));
        }
        let question = context.text(Text::AskEditAgain);
        match context.env.person.ask(&question, None) {
            Ok(answer) if AGAIN.contains(&answer.trim().to_lowercase().as_str()) => {}
            _ => return Err(CliError::new(Code::EditDiscarded)),
        }
    }
    let after = files::read(&copy.0, MAX_BYTES)?.unwrap_or_default();
    let changed = after != before;
    if changed {
        replacement.finish(&after).map_err(|error| {
            CliError::with(Code::Configuration, error.phrase()).caused_by(error)
        })?;
    }
    local_list::keep(context, &path)?;
    let text = context.text(if changed { Text::Saved } else { Text::Unchanged });
    Ok(Output { text, json: json!({ "changed": changed, "problems": [] }) })
}

/// What is wrong with the copy, said of the file that it is to replace. Faults of other files stop
/// nobody from mending this one.
fn faults(context: &Context<'_, '_>, path: &Path, copy: &Path) -> Vec<Problem> {
    let (_, problems) = config::everything(context, copy, &context.env.places.agent_config);
    let name = copy.display().to_string();
    let own = problems.into_iter().filter(|problem| problem.file == name);
    own.map(|problem| Problem { file: path.display().to_string(), ..problem }).collect()
}

/// The copy, beside the file: there it is checked as the file would be. Gone when it is dropped.
struct Copy(PathBuf);

impl Copy {
    fn of(path: &Path, bytes: &[u8]) -> Result<Self, CliError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".edit");
        let copy = path.with_file_name(name);
        wardkey_settings::files::replace(&copy, bytes, 0o600)
            .map_err(|error| files::broken(&copy, error))?;
        Ok(Self(copy))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run_editor(path: &Path) -> Result<(), CliError> {
    let chosen = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let editor = chosen.unwrap_or_else(|| EDITOR.into());
    let failed = |why: &dyn std::fmt::Display| {
        CliError::invalid(format!("{}: {why}", printable(&editor, 128)))
    };
    // It may come with arguments, as everywhere.
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("{editor} \"$1\""), "editor"])
        .arg(path)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(&status)),
        Err(error) => Err(failed(&error).caused_by(error)),
    }
}
