//! Small files, whole or not at all: read with a cap, replaced atomically.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::AgentError;

/// Reads a regular file of at most `max` bytes; `None` when there is none.
///
/// # Errors
/// [`AgentError::File`] when it is something else, too long, or cannot be read.
pub fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, AgentError> {
    let failed = |error| AgentError::file(path, error);
    let file =
        match OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() > max {
        let text = format!("not a regular file of at most {max} bytes");
        return Err(failed(std::io::Error::other(text)));
    }
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Replaces a file: a temporary one in the same folder is written, synced and renamed, so that a
/// reader or a crash finds the old or the new one.
///
/// # Errors
/// [`AgentError::File`] or [`AgentError::Full`]; the old file is there then, or the new one, whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AgentError> {
    wardkey_settings::files::replace(path, bytes, mode).map_err(|error| AgentError::file(path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn lesson_privacyidea_a_file_is_replaced_whole() {
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
