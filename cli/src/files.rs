//! Files of root: read with a bound, replaced as a whole.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use wardkey_core::code::Code;

use crate::error::CliError;

/// Reads at most `max` bytes; `None` when there is no such file.
pub(crate) fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>, CliError> {
    let flags = (nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
    if bytes.len() > max {
        return Err(failed(path, &format_args!("longer than {max} bytes")));
    }
    Ok(Some(bytes))
}

/// Replaces a file: after a crash or a full disk there is the old one or the new one, whole. Mode 0644.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    make_folder_of(path)?;
    wardkey_settings::files::replace(path, bytes, 0o644).map_err(|error| failed(path, &error))
}

/// Makes the folder that a file is to stand in, mode 0755; that it is there is as good.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), CliError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(folder, &error)),
        _ => Ok(()),
    }
}

/// Takes a file away; that there is none is as good.
pub(crate) fn remove(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

pub(crate) fn failed(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::with(Code::Configuration, format_args!("{}: {error}", path.display()))
}
