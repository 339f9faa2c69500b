//! Files of root: read with a bound, replaced as a whole.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use wardkey_core::code::Code;

use crate::CliError;

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
    let write = || -> std::io::Result<()> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(std::io::Error::from(ErrorKind::InvalidInput));
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match DirBuilder::new().mode(0o755).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mut new_name = name.to_owned();
        new_name.push(".new");
        let new = folder.join(new_name);
        // What an interrupted run left behind.
        let _ = std::fs::remove_file(&new);
        let result = write_new(&new, bytes).and_then(|()| std::fs::rename(&new, path));
        if result.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        result?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| failed(path, &error))
}

/// Takes a file away; that there is none is as good.
pub(crate) fn remove(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.sync_all()
}

pub(crate) fn failed(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::with(Code::Configuration, format_args!("{}: {error}", path.display()))
}
