//! Who has a database open: everybody by a shared lock on a file beside it, and whoever puts another
//! one in its place alone. SQLite's own locks are on the file that is replaced and on a log that is
//! found by its name, so they keep nobody from writing into what is being put aside.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::{Error, Result};

/// How long a statement or a lock waits for another process.
pub const BUSY: Duration = Duration::from_secs(10);
/// How often a lock is tried.
const TRIED_EVERY: Duration = Duration::from_millis(5);

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
    /// Takes the lock; none when there is nothing to lock: no database, or a folder in which this
    /// process can write nothing, and so neither can it change the database.
    ///
    /// # Errors
    /// [`Code::StoreHeld`] or [`Code::RestoreDisturbed`] when somebody else has it for longer than
    /// [`BUSY`].
    pub async fn take(database: &Path, how: Use) -> Result<Option<Self>> {
        if how == Use::Shared && !database.exists() {
            return Ok(None);
        }
        let Some(mut file) = open(database) else { return Ok(None) };
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
                Err((_, errno)) => {
                    return Err(Error::io("locking the database")(errno.into()));
                }
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

/// Opens the file. It says nothing, and whoever runs the server has to open what root made.
fn open(database: &Path) -> Option<File> {
    let path = database.with_extension("lock");
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    if let Ok(file) = options.open(&path) {
        return Some(file);
    }
    let file = options.write(true).create(true).mode(0o644).open(&path).ok()?;
    // Whatever umask root has: a lock that the server cannot open is none.
    file.set_permissions(Permissions::from_mode(0o644)).ok()?;
    Some(file)
}
