//! Files that an auditor named.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::error::{Error, Result};
use crate::texts::Text;

/// Opens a regular file, also by a link. A pipe or a device is an error at once: it need never end.
///
/// # Errors
/// [`Error::File`].
pub fn open(path: &Path) -> Result<File> {
    // O_NONBLOCK: opening a pipe must not wait for somebody who writes.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags.bits()).open(path).map_err(Error::io(path))?;
    if file.metadata().map_err(Error::io(path))?.is_file() {
        return Ok(file);
    }
    Err(Error::file(path, Text::NotAFile))
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// [`Error::File`].
pub fn read(path: &Path, max: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open(path)?;
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
    if bytes.len() > max {
        return Err(Error::io(path)(ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}
