//! `wardkey status` and `wardkey sync`.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::texts;
use wardkey_settings::problem;

use crate::peers::{self, Agent};
use crate::show::{self, Output};
use crate::{CliError, Work, enable};

const STATUS: Duration = Duration::from_secs(10);
/// A whole directory may have to be fetched.
const SYNC: Duration = Duration::from_secs(300);

pub(crate) fn status(work: &mut Work<'_, '_>) -> Result<Output, CliError> {
    match Agent::connect(work)?.ask(&Request::Status, STATUS)? {
        Reply::Status(status) => {
            let (line, profile) = enable::shown(work);
            let mut json = show::status_json(&status);
            let mut text = format!("{}\n{line}", show::status(work.words(), &status));
            // The module refuses all staff over one fault: somebody should hear of it before they do.
            let path = &work.around.places.pam_config;
            let faults = match path.try_exists() {
                // Neither the module's package nor its lines are here.
                Ok(false) if profile.get("enabled") == Some(&false.into()) => Vec::new(),
                _ => problem::pam(path, work.around.files_owner).1,
            };
            if !faults.is_empty() {
                text += &format!("\n{}", (work.words().configuration_wrong)(faults.len()));
            }
            if let Some(fields) = json.as_object_mut() {
                fields.insert("profile".into(), profile);
                fields.insert("configuration_faults".into(), faults.len().into());
            }
            Ok(Output { text, json })
        }
        _ => Err(peers::unexpected()),
    }
}

pub(crate) fn sync(work: &mut Work<'_, '_>) -> Result<Output, CliError> {
    match Agent::connect(work)?.ask(&Request::Sync, SYNC)? {
        Reply::Synced(scopes) => {
            let mut text = texts::message(Code::Synced, work.language, &[]);
            for scope in scopes.iter() {
                text += &format!("\n  {}", show::scope(work.words(), scope));
            }
            let json = json!({ "scopes": scopes.iter().map(show::scope_json).collect::<Vec<_>>() });
            Ok(Output { text, json })
        }
        _ => Err(peers::unexpected()),
    }
}
