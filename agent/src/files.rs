//! Small files, whole or not at all: read with a cap, replaced atomically.

use std::path::Path;

use wardkey_settings::files::{FileError, Owner};

use crate::error::AgentError;

/// Reads a regular file of at most `max` bytes that is the agent's or root's; `None` when there is
/// none. No link is followed.
///
/// # Errors
/// [`AgentError::Unbelieved`] when it is something else, too long, or others can write it;
/// [`AgentError::File`] when it cannot be read.
pub fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>, AgentError> {
    match wardkey_settings::files::read(path, Owner::current(), max) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(FileError::Missing { .. }) => Ok(None),
        Err(FileError::Io { path, error }) => Err(AgentError::file(&path, error)),
        Err(error) => Err(error.into()),
    }
}

/// Replaces a file: a temporary one in the same folder is written, synced and renamed, so that a
/// reader or a crash finds the old or the new one.
///
/// # Errors
/// [`AgentError::File`] or [`AgentError::Full`]; the old file is there then, or the new one, whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AgentError> {
    wardkey_settings::files::replace(path, bytes, mode)
        .map_err(|error| AgentError::file(path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terminal.toml");
        assert!(read(&path, 10).unwrap().is_none());
        replace(&path, b"one", 0o600).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(read(&path, 2).is_err(), "too long");
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert!(read(&folder.path().join("link"), 10).is_err(), "a symbolic link");
    }
}
