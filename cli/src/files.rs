//! Files of root: read with a bound, replaced as a whole.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::Code;

use crate::error::CliError;
use crate::texts::{Phrase, Text};

/// What may stand at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A regular file, and no link to one.
    Regular,
    /// Whatever the path leads to.
    Any,
}

/// Reads a regular file of at most `max` bytes; `None` when there is none. A link is an error: for
/// root it could lead to anything.
pub(crate) fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>, CliError> {
    open_and_read(path, max, Kind::Regular)
}

/// Reads what a path leads to, also by links or from a pipe, at most `max` bytes: configuration of
/// other programs, which follow links too, and files that the caller names.
pub(crate) fn read_followed(path: &Path, max: usize) -> Result<Option<Vec<u8>>, CliError> {
    open_and_read(path, max, Kind::Any)
}

fn open_and_read(path: &Path, max: usize, kind: Kind) -> Result<Option<Vec<u8>>, CliError> {
    // O_NONBLOCK: opening a FIFO must not wait.
    let mut flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    if kind == Kind::Regular {
        flags |= OFlag::O_NOFOLLOW;
    }
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error)
            if kind == Kind::Regular && error.raw_os_error() == Some(Errno::ELOOP as i32) =>
        {
            return Err(failed(path, Text::IsALink));
        }
        Err(error) => return Err(broken(path, error)),
    };
    let metadata = file.metadata().map_err(|error| broken(path, error))?;
    if kind == Kind::Regular && !metadata.is_file() {
        return Err(failed(path, Text::NotRegular));
    }

    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| broken(path, error))?;
    if bytes.len() > max {
        return Err(failed(path, Text::LongerThan.with([("count", (max as u64).into())])));
    }
    Ok(Some(bytes))
}

/// Replaces a file: after a crash or a full disk there is the old one or the new one, whole. Mode
/// 0644.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    make_folder_of(path)?;
    wardkey_settings::files::replace(path, bytes, 0o644).map_err(|error| broken(path, error))
}

/// Makes the folder that a file is to stand in, mode 0755; that it is there is as good.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), CliError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(broken(folder, error)),
        _ => Ok(()),
    }
}

/// Takes a file away; that there is none is as good.
pub(crate) fn remove(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(broken(path, error)),
        _ => Ok(()),
    }
}

pub(crate) fn failed(path: &Path, why: impl Into<Phrase>) -> CliError {
    let place = path.display().to_string().into();
    CliError::with(Code::Configuration, Text::At.with([("place", place), ("why", why.into())]))
}

/// A file that cannot be used, because of this.
pub(crate) fn broken(path: &Path, cause: impl Into<Cause>) -> CliError {
    let cause = cause.into();
    failed(path, Chain(cause.as_ref()).to_string()).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_long_files_are_refused_and_followed_only_where_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        assert_eq!(read(&file, 4).unwrap(), None);
        std::fs::write(&file, "1234").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read(&file, 4).unwrap().unwrap(), b"1234");
        assert!(read(&file, 3).unwrap_err().to_string().contains("longer than 3 bytes"));
        assert!(read(&link, 4).unwrap_err().to_string().contains("is a link"));
        assert!(read(folder.path(), 4).unwrap_err().to_string().contains("is not a regular file"));
        assert_eq!(read_followed(&link, 4).unwrap().unwrap(), b"1234");
        assert!(read_followed(&link, 3).is_err());
    }

    #[test]
    fn a_pipe_without_a_writer_does_not_hold_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(read(&pipe, 4).is_err());
        assert_eq!(read_followed(&pipe, 4).unwrap().unwrap(), b"");
    }
}
