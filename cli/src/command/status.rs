//! `wardkey status`.

use std::time::Duration;

use serde_json::json;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::time::UnixTime;
use wardkey_settings::problem;

use crate::context::Context;
use crate::doctor;
use crate::enroll_console;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::pam::profile::State;
use crate::pam::undo;
use crate::peers::{self, Agent};
use crate::texts::Text;

use super::enable::now;

const STATUS: Duration = Duration::from_secs(10);

pub(crate) fn status(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    match Agent::connect(context)?.ask(&Request::Status, STATUS)? {
        Reply::Status(status) => {
            let (line, profile) = profile(context);
            let mut json = output::status_json(&status);
            let mut text = format!("{}\n{line}", output::status(context.language, &status));
            // The module refuses all staff over one fault: somebody should hear of it before they
            // do.
            let path = &context.env.places.pam_config;
            let faults = match path.try_exists() {
                // Neither the module's package nor its lines are here.
                Ok(false) if profile.get("enabled") == Some(&false.into()) => Vec::new(),
                _ => problem::pam(path, context.env.files_owner).1,
            };
            if !faults.is_empty() {
                text += &format!(
                    "\n{}",
                    context.text_with(
                        Text::ConfigurationWrong,
                        &[("count", &faults.len().to_string())]
                    )
                );
            }
            let root = &context.env.places.root;
            let is_open = !enroll_console::links(root).is_empty() || enroll_console::runs(root);
            if is_open {
                let args = [("tty", enroll_console::TTY)];
                text += &format!("\n{}", context.text_with(Text::EnrollConsoleLine, &args));
            }
            if let Some(fields) = json.as_object_mut() {
                fields.insert("enroll_console".into(), is_open.into());
                fields.insert("profile".into(), profile);
                fields.insert("configuration_faults".into(), faults.len().into());
            }
            Ok(Output { text, json })
        }
        _ => Err(peers::unexpected()),
    }
}

/// The profile's state for `wardkey status`.
fn profile(context: &mut Context<'_, '_>) -> (String, serde_json::Value) {
    let (state, pending) = now(context);
    let enabled = state == State::On;
    let (text, name) = match (&state, &pending) {
        (State::On, Some(_)) => (Text::ProfileWaits, "unconfirmed"),
        (State::On, None) => (Text::ProfileOn, "enabled"),
        (State::Off, _) => (Text::ProfileOff, "disabled"),
        (State::Edited(_), _) => (Text::ProfileEdited, "edited"),
    };
    // Where nobody needs a key, every way is open; nobody has to be told.
    let seen = enabled.then(|| doctor::seen(context));
    let mut json = json!({
        "state": name, "enabled": enabled,
        "confirm_before": pending.filter(|_| enabled).map(|pending| pending.until()),
        "ways_in_open": seen.as_ref().map(|seen| seen.open),
        "other_secrets": seen.as_ref().and_then(|seen| seen.secrets.clone()),
    });
    let mut lines = format!("{}: {}", context.text(Text::Profile), context.text(text));
    let undone = undo::unconfirmed(&context.env.places).filter(|_| state == State::Off);
    if let Some(time) = undone {
        let time = output::date(UnixTime(time));
        lines += &format!("\n{}", context.text_with(Text::ProfileUndone, &[("time", &time)]));
    }
    if let Some(fields) = json.as_object_mut() {
        fields.insert("undone_unconfirmed".into(), undone.into());
    }
    if let Some(seen) = seen {
        if seen.open > 0 {
            lines += &format!(
                "\n{}",
                context.text_with(Text::OpenWays, &[("count", &seen.open.to_string())])
            );
        }
        if let Some(names) = seen.secrets.filter(|names| !names.is_empty()) {
            let names: Vec<_> = names.into_iter().collect();
            lines += &format!("\n{}: {}", context.text(Text::OtherSecrets), names.join(", "));
        }
    }
    (lines, json)
}
