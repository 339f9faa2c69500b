//! `wardkey sync`.

use std::time::Duration;

use serde_json::json;
use wardkey_core::code::Notice;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::texts;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::peers::{self, Agent};

/// A whole directory may have to be fetched.
const SYNC: Duration = Duration::from_secs(300);

pub(crate) fn sync(context: &mut Context<'_, '_>) -> Result<Output, CliError> {
    match Agent::connect(context)?.ask(&Request::Sync, SYNC)? {
        Reply::Synced(scopes) => {
            let mut text = texts::message(Notice::Synced, context.language, &[]);
            for scope in scopes.iter() {
                text += &format!("\n  {}", output::scope(context.language, scope));
            }
            let json =
                json!({ "scopes": scopes.iter().map(output::scope_json).collect::<Vec<_>>() });
            Ok(Output { text, json })
        }
        _ => Err(peers::unexpected()),
    }
}
