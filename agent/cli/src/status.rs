//! `wardkey status` and `wardkey sync`.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::texts;

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
            if let Some(fields) = json.as_object_mut() {
                fields.insert("profile".into(), profile);
            }
            Ok(Output { text: format!("{}\n{line}", show::status(work.words(), &status)), json })
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
