//! Who has a database open: everybody by a shared lock on a file beside it, and whoever puts
//! another one in its place alone. SQLite's own locks are on the file that is replaced and on a log
//! that is found by its name, so they keep nobody from writing into what is being put aside.

use std::fs::{File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::files;
use crate::texts::{PhraseError, Text};

/// How long a statement or a lock waits for another process.
pub const BUSY: Duration = Duration::from_secs(10);
/// How often a lock is tried.
const TRIED_EVERY: Duration = Duration::from_millis(5);
/// How long a file may be another's alone that has just been made.
const MADE_WITHIN: Duration = Duration::from_millis(500);

/// A lock on the file beside a database.
#[derive(Debug)]
pub struct InUse {
    _lock: Flock<File>,
}

/// How a lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Beside others.
    Shared,
    /// Alone.
    Alone,
}

impl InUse {
    /// Takes the lock; none when there is nothing to lock: no database, or a file system on which
    /// nobody can change it.
    ///
    /// # Errors
    /// [`Code::StoreHeld`] or [`Code::RestoreDisturbed`] when somebody else has it for longer than
    /// [`BUSY`]; [`Code::StoreLock`] when there is no lock to be had.
    pub async fn take(database: &Path, how: Use) -> Result<Option<Self>> {
        if how == Use::Shared && !database.exists() {
            return Ok(None);
        }
        let path = database.with_extension("lock");
        let begun = Instant::now();
        let mut file = loop {
            match open(&path) {
                Ok(file) => break file,
                // Root has made it and not yet said who may open it.
                Err(error)
                    if error.kind() == ErrorKind::PermissionDenied
                        && begun.elapsed() < MADE_WITHIN => {}
                Err(error)
                    if how == Use::Shared && error.kind() == ErrorKind::ReadOnlyFilesystem =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(no_lock(&path, &error)),
            }
            tokio::time::sleep(TRIED_EVERY).await;
        };
        let lock = match how {
            Use::Shared => FlockArg::LockSharedNonblock,
            Use::Alone => FlockArg::LockExclusiveNonblock,
        };
        let begun = Instant::now();
        loop {
            match Flock::lock(file, lock) {
                Ok(lock) => return Ok(Some(Self { _lock: lock })),
                Err((again, Errno::EWOULDBLOCK | Errno::EINTR)) if begun.elapsed() < BUSY => {
                    file = again;
                }
                Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => return Err(held(database, how)),
                Err((_, errno)) => return Err(no_lock(&path, &errno.into())),
            }
            tokio::time::sleep(TRIED_EVERY).await;
        }
    }
}

/// The refusal of what somebody else has.
fn held(database: &Path, how: Use) -> Error {
    let (code, args) = match how {
        Use::Alone => (Code::RestoreDisturbed, vec![]),
        Use::Shared => (Code::StoreHeld, vec![("path", database.display().to_string().into())]),
    };
    Error::refused(code, texts::phrase(code, args))
}

/// The refusal without a lock: what somebody puts in the place of the database meanwhile would take
/// what is written with it.
pub fn no_lock(lock: &Path, why: &std::io::Error) -> Error {
    let args = vec![("path", lock.display().to_string().into()), ("why", files::why(why))];
    Error::refused(Code::StoreLock, texts::phrase(Code::StoreLock, args))
}

/// Opens the file. It says nothing, and whoever runs the server has to open what root made.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let there = || {
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Err(std::io::Error::new(ErrorKind::InvalidInput, PhraseError(Text::NotAFile.into())))
    };
    match there() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o644).custom_flags(flags);
    match options.open(path) {
        Ok(file) => {
            // Whatever umask root has: a lock that the server cannot open is none.
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => there(),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_lock_that_can_be_had_nothing_is_opened_and_it_is_said_why() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wardkey.db");
        std::fs::write(&database, "").unwrap();
        let lock = folder.path().join("wardkey.lock");
        for how in [Use::Shared, Use::Alone] {
            std::fs::create_dir(&lock).unwrap();
            let refused = InUse::take(&database, how).await.unwrap_err();
            assert_eq!(refused.code(), Code::StoreLock, "{refused}");
            assert!(refused.to_string().contains("regular file"), "{refused}");
            std::fs::remove_dir(&lock).unwrap();

            std::os::unix::fs::symlink("elsewhere", &lock).unwrap();
            let refused = InUse::take(&database, how).await.unwrap_err();
            assert_eq!(refused.code(), Code::StoreLock, "{refused}");
            assert!(!folder.path().join("elsewhere").exists());
            std::fs::remove_file(&lock).unwrap();
            // With one it is opened.
            assert!(InUse::take(&database, how).await.unwrap().is_some());
            assert_eq!(lock.metadata().unwrap().permissions().mode() & 0o777, 0o644);
            std::fs::remove_file(&lock).unwrap();
        }
    }
}
