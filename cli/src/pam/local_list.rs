//! `/etc/wardkey/local-accounts`, kept as pam.toml says: who gets in while pam.toml or the module
//! is broken.

use std::path::Path;
use std::time::Duration;

use nix::unistd::User;
use wardkey_core::code::Code;
use wardkey_settings::files::Replacement;
use wardkey_settings::local::LastGood;
use wardkey_settings::pam::Settings;

use crate::context::Context;
use crate::error::CliError;

/// How long another one may take that writes the list: `wardkey config edit` starts the unit that
/// does, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes the list that belongs to a configuration, beside it, if the module accepts the
/// configuration as it is now. Whether it changed.
pub(crate) fn keep(context: &Context<'_, '_>, configuration: &Path) -> Result<bool, CliError> {
    let owner = context.env.files_owner;
    let path = LastGood::path_for(configuration);
    let failed = |error: wardkey_settings::files::FileError| {
        CliError::with(Code::Configuration, error.phrase()).caused_by(error)
    };
    let replacement = Replacement::begin(&path, owner, PATIENCE).map_err(failed)?;
    // Read under the lock: who writes last has seen what was saved last. What is wrong leaves the
    // list of before, and so does a name service that cannot be asked, as it would shorten the
    // list.
    let Ok(settings) = Settings::read(configuration, owner) else { return Ok(false) };
    if settings.local.uids.iter().any(|uid| User::from_uid((*uid).into()).is_err()) {
        return Ok(false);
    }
    let list = LastGood::of(&settings.local).map_err(failed)?;
    // A file that is not to be believed is replaced, too.
    if LastGood::read(&path, owner).is_ok_and(|before| before == list) {
        return Ok(false);
    }
    replacement.finish(list.text().as_bytes()).map_err(failed)?;
    Ok(true)
}
