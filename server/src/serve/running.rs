//! A locked file beside the store says that a server runs over it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg, OFlag};
use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::files;
use crate::store::no_lock;
use crate::texts::{PhraseError, Text};
use crate::watch::Running;

/// The file that says that a server runs over a store: beside it, and locked.
fn running_file(store: &Path) -> PathBuf {
    store.with_extension("running")
}

/// What a server adds to its word when it does not serve administration, and should.
const WITHOUT_ADMINISTRATION: &[u8] = b" without administration";

/// How long a lock is waited for that a command only tries.
const TRIED: Duration = Duration::from_secs(1);

/// What has the place of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A server that runs.
    Server,
    /// A command that puts another store there.
    Command,
}

impl Holder {
    /// As it stands in the file.
    const fn word(self) -> &'static [u8] {
        match self {
            Self::Server => b"server",
            Self::Command => b"command",
        }
    }
}

/// Says that a server runs over this store. A file that cannot be opened keeps nobody from serving:
/// the lock on the database keeps others from replacing it. A lock that somebody has does.
///
/// # Errors
/// [`Code::StoreHeld`] when another server runs over it, or it is being restored.
pub(super) fn mark_running(store: &Path) -> Result<Option<Flock<File>>> {
    match take(store, Holder::Server) {
        Err(error) if error.code() == Code::StoreLock => {
            tracing::warn!(%error, "commands will say that the server does not run");
            Ok(None)
        }
        taken => taken.map(Some),
    }
}

/// Says beside it that the interface for administration is not served. Where that cannot be
/// written, the log says it alone.
pub(super) fn say_without_administration(running: &mut Option<Flock<File>>) {
    let Some(file) = running else { return };
    if let Err(error) = file.write_all(WITHOUT_ADMINISTRATION) {
        tracing::warn!(%error, "\"status\" will not say that administration is not served");
    }
}

/// Keeps servers, restores and `init` from this store.
///
/// # Errors
/// [`Code::StoreHeld`] when one has it, [`Code::StoreLock`] when nobody can be kept from it.
pub fn hold(store: &Path) -> Result<Flock<File>> {
    take(store, Holder::Command)
}

fn take(store: &Path, holder: Holder) -> Result<Flock<File>> {
    let begun = Instant::now();
    loop {
        match lock(store) {
            Ok(mut lock) => {
                let said = lock.set_len(0).and_then(|()| lock.write_all(holder.word()));
                // Without a word it is a server's: a full disk does not take its lock away.
                return match (said, holder) {
                    (Err(error), Holder::Command) => Err(no_lock(&running_file(store), &error)),
                    _ => Ok(lock),
                };
            }
            // Commands look whether a server runs, by the same lock.
            Err(error) if error.kind() == ErrorKind::WouldBlock && begun.elapsed() < TRIED => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let path = store.display().to_string().into();
                let message = texts::phrase(Code::StoreHeld, vec![("path", path)]);
                return Err(Error::refused(Code::StoreHeld, message));
            }
            Err(error) => return Err(no_lock(&running_file(store), &error)),
        }
    }
}

fn lock(store: &Path) -> std::io::Result<Flock<File>> {
    let path = running_file(store);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(&path)?;
    // The folder is the service's, and root writes here: no pipe, and no other name of a file of
    // root's.
    let meta = file.metadata()?;
    if !meta.is_file() || meta.nlink() != 1 {
        return Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            PhraseError(Text::NotAFile.into()),
        ));
    }
    // The server opens it too, and is not root.
    let folder = path.parent().map(std::fs::metadata);
    if let (true, Some(Ok(owner))) = (nix::unistd::geteuid().is_root(), folder) {
        let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
    }
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

/// Whether a server runs over this store. One that is being restored has none.
pub fn is_running(store: &Path) -> bool {
    state(store) != Running::No
}

/// The same, and what that server says of itself.
pub fn state(store: &Path) -> Running {
    let Ok(file) = files::open(&running_file(store)) else { return Running::No };
    let Err((file, _)) = Flock::lock(file, FlockArg::LockSharedNonblock) else {
        return Running::No;
    };
    let mut said = Vec::new();
    if file.take(64).read_to_end(&mut said).is_err() {
        return Running::Yes;
    }
    if said == Holder::Command.word() {
        Running::No
    } else if said.ends_with(WITHOUT_ADMINISTRATION) {
        Running::WithoutAdministration
    } else {
        Running::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_has_the_place_is_no_server_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("wardkey.db");
        assert!(!is_running(&store));
        let mut running = mark_running(&store).unwrap();
        assert_eq!(state(&store), Running::Yes);
        say_without_administration(&mut running);
        assert_eq!(state(&store), Running::WithoutAdministration);
        assert_eq!(hold(&store).unwrap_err().code(), Code::StoreHeld);
        drop(running);
        let held = hold(&store).unwrap();
        assert!(!is_running(&store));
        assert_eq!(mark_running(&store).unwrap_err().code(), Code::StoreHeld);
        drop(held);
        assert!(!is_running(&store));
        // Whoever cannot be kept away is not held off by saying so.
        std::fs::remove_file(running_file(&store)).unwrap();
        std::os::unix::fs::symlink("elsewhere", running_file(&store)).unwrap();
        assert_eq!(hold(&store).unwrap_err().code(), Code::StoreLock);
        assert!(mark_running(&store).unwrap().is_none());
    }

    #[test]
    fn nothing_is_written_to_a_file_that_has_another_name_and_no_pipe_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (store, other) = (folder.path().join("wardkey.db"), folder.path().join("other"));
        std::fs::write(&other, "of somebody else").unwrap();
        std::fs::hard_link(&other, running_file(&store)).unwrap();
        assert_eq!(hold(&store).unwrap_err().code(), Code::StoreLock);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "of somebody else");

        std::fs::remove_file(running_file(&store)).unwrap();
        nix::unistd::mkfifo(&running_file(&store), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(hold(&store).unwrap_err().code(), Code::StoreLock);
        assert!(!is_running(&store));
    }
}
