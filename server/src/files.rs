//! Files that somebody else may have put there: regular ones only, and no more than is expected.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, Error, ErrorKind, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use wardkey_core::cause::Chain;

use crate::texts::{Phrase, PhraseError, Text};

/// Opens a regular file. A pipe, a device or a link to anything is an error at once.
pub fn open(path: &Path) -> Result<File> {
    // O_NONBLOCK: opening a pipe must not wait.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(Error::new(ErrorKind::InvalidInput, PhraseError(Text::NotAFile.into())))
}

/// Reads a regular file of at most `max` bytes.
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= max {
        return Ok(bytes);
    }
    Err(too_long(max))
}

/// Reads the regular file that a path leads to, also by links, of at most `max` bytes: what root
/// names, where only root writes.
pub fn read_followed(path: &Path, max: u64) -> Result<Vec<u8>> {
    read(&path.canonicalize()?, max)
}

/// Reads the next line, of at most `max` bytes with its end; false when there is none.
pub fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>, max: u64) -> Result<bool> {
    line.clear();
    let read = from.take(max + 1).read_until(b'\n', line)?;
    if line.len() as u64 > max {
        return Err(too_long(max));
    }
    Ok(read > 0)
}

/// Why something failed that was done to a file: in words of ours, or in those of the system.
pub fn why(error: &Error) -> Phrase {
    let own = error.get_ref().and_then(|inner| PhraseError::in_error(inner));
    own.unwrap_or_else(|| Chain(error).to_string().into())
}

/// The folder in which something is.
pub fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

fn too_long(max: u64) -> Error {
    Error::new(ErrorKind::InvalidData, PhraseError(Text::LongerThan.with([("count", max.into())])))
}
