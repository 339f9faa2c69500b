//! `/etc/wardkey/local-accounts`, kept as pam.toml says: who gets in while pam.toml or the module is broken.

use std::path::Path;

use wardkey_settings::local::LastGood;
use wardkey_settings::pam::Settings;

use crate::{CliError, Work, files};

/// Writes the list that belongs to a configuration that is right, beside it. Whether it changed.
pub(crate) fn keep(work: &Work<'_, '_>, configuration: &Path, settings: &Settings) -> Result<bool, CliError> {
    let path = LastGood::path_beside(configuration);
    let list = LastGood::of(&settings.local).map_err(|error| files::failed(error.path(), &error))?;
    // A file that is not to be believed is replaced, too.
    if LastGood::read(&path, work.around.files_owner).is_ok_and(|before| before == list) {
        return Ok(false);
    }
    files::replace(&path, list.text().as_bytes())?;
    Ok(true)
}
