//! `wardkey config check`.

use std::path::Path;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::name::printable;
use wardkey_settings::problem::Problem;

use crate::args::CheckOptions;
use crate::config::everything;
use crate::context::Context;
use crate::error::CONFIGURATION as CODE;
use crate::error::CliError;
use crate::output::Output;
use crate::pam::local_list;
use crate::texts::Text;

pub(crate) fn check(
    context: &mut Context<'_, '_>,
    options: &CheckOptions,
) -> Result<Output, CliError> {
    let (_, problems) = everything(context, &options.pam, &options.agent);
    if options.watch {
        watch(context, &options.pam, &problems)?;
    }
    if !problems.is_empty() {
        // All of it goes where errors go; with --json, in the one line.
        return Err(CliError::Problems(problems));
    }
    let text = context.text(Text::ConfigurationRight);
    Ok(Output { text, json: json!({ "problems": [] }) })
}

/// What the service does besides: keeps the list of local accounts, and says aloud what is wrong
/// before somebody meets it at a login.
fn watch(context: &mut Context<'_, '_>, pam: &Path, problems: &[Problem]) -> Result<(), CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    // Only what the module accepts is kept: else the list of before is what helps.
    local_list::keep(context, pam)?;
    for problem in problems {
        // A warning, as sd-daemon(3) has it.
        context.say(&format!(
            "<4>{CODE} {}",
            printable(&problem.phrase().say(context.language), 1024)
        ));
    }
    Ok(())
}
