//! A locked file beside the store says that a server runs over it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::admin::init::give_like;
use crate::error::{Error, Result};

/// The file that says that a server runs over a store: beside it, and locked.
fn running_file(store: &Path) -> PathBuf {
    store.with_extension("running")
}

/// How long a lock is waited for that a command only tries.
const TRIED: Duration = Duration::from_secs(1);

/// Says that a server runs over this store. A file that cannot be opened keeps nobody from serving;
/// a lock that somebody has does.
///
/// # Errors
/// [`Code::StoreHeld`] when another server runs over it, or it is being restored.
pub(super) fn mark_running(store: &Path) -> Result<Option<Flock<File>>> {
    let begun = Instant::now();
    loop {
        match lock(store) {
            Ok(lock) => return Ok(Some(lock)),
            // Commands look whether a server runs, by the same lock.
            Err(Errno::EWOULDBLOCK) if begun.elapsed() < TRIED => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(Errno::EWOULDBLOCK) => {
                let path = store.display().to_string().into();
                let message = texts::phrase(Code::StoreHeld, vec![("path", path)]);
                return Err(Error::refused(Code::StoreHeld, message));
            }
            Err(error) => {
                let file = running_file(store);
                tracing::warn!(file = %file.display(), %error, "could not be locked; commands \
                    will say that the server does not run");
                return Ok(None);
            }
        }
    }
}

fn lock(store: &Path) -> std::result::Result<Flock<File>, Errno> {
    let path = running_file(store);
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    // The server opens it too, and is not root.
    if let Some(folder) = path.parent() {
        let _ = give_like(&path, folder);
    }
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)
}

/// Keeps servers and other restores from this store; none when one has it.
pub fn hold(store: &Path) -> Option<Flock<File>> {
    mark_running(store).ok().flatten()
}

/// Whether a server runs over this store.
pub fn is_running(store: &Path) -> bool {
    let Ok(file) = File::open(running_file(store)) else { return false };
    Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
}
