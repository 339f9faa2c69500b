//! The last checkpoint, in a file beside the database. A database that somebody put back (a
//! snapshot, a copied file) has forgotten what it signed since; this file has not.
//!
//! ```text
//!   wardkey.db   wardkey.db.checkpoint
//! ```
//! It is written after the transaction that signed, so it is never ahead of the database. Whoever
//! puts back the whole folder puts it back too: for that there are checkpoints elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_tlog::{Checkpoint, MAX_NOTE, Note};

use crate::error::{Error, Result};
use crate::files::{self, folder_of};
use crate::store::with_end;
use crate::texts::Text;

/// Behind the name of the database.
const END: &str = ".checkpoint";

/// The last checkpoint; none when there is no file, as before the first signature.
///
/// # Errors
/// [`Code::LogBeside`] when it cannot be read or is no checkpoint.
pub fn read(database: &Path) -> Result<Option<Checkpoint>> {
    let path = with_end(database, END);
    let bytes = match files::read(&path, MAX_NOTE as u64) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&path).caused_by(error)),
    };
    let note = Note::parse(&bytes).map_err(|error| unusable(&path).caused_by(error))?;
    let parsed = Checkpoint::parse(note.unverified());
    parsed.map(Some).map_err(|error| unusable(&path).caused_by(error))
}

/// Keeps a checkpoint, in the place of the one before; never in that of a longer one of the same
/// name, which another program has kept meanwhile.
///
/// # Errors
/// [`Error::Io`].
pub fn keep(database: &Path, checkpoint: &str) -> Result<()> {
    let path = with_end(database, END);
    if is_behind(&path, checkpoint) {
        return Ok(());
    }
    // A command may keep one at the same moment as the server.
    let new = with_end(database, &format!(".checkpoint.{}.new", std::process::id()));
    write(&new, checkpoint).map_err(Error::at_file(Text::Writing, &new))?;
    std::fs::rename(&new, &path).map_err(Error::at_file(Text::RenamingTo, &path))?;
    let folder = folder_of(&path);
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.map_err(Error::at_file(Text::Writing, &folder))
}

/// Whether the file has a longer one of the same name.
fn is_behind(path: &Path, checkpoint: &str) -> bool {
    let kept = files::read(path, MAX_NOTE as u64).ok();
    let of = |bytes: &[u8]| Checkpoint::parse(Note::parse(bytes).ok()?.unverified()).ok();
    match (kept.and_then(|bytes| of(&bytes)), of(checkpoint.as_bytes())) {
        (Some(kept), Some(new)) => kept.origin() == new.origin() && kept.size() > new.size(),
        _ => false,
    }
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    // Left by a program of this number that was killed, and perhaps another user's.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)?;
    // Root's commands leave it to the server's user, as the folder is.
    if nix::unistd::geteuid().is_root() {
        let owner = folder_of(path).metadata()?;
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path) -> Error {
    let args = vec![("path", path.display().to_string().into())];
    Error::refused(Code::LogBeside, texts::phrase(Code::LogBeside, args))
}

/// The refusal of a database that is older than what was signed.
pub fn put_back(size: u64) -> Error {
    let message = texts::phrase(Code::LogPutBack, vec![("size", size.into())]);
    Error::refused(Code::LogPutBack, message)
}

#[cfg(test)]
mod tests {
    use wardkey_tlog::{Hash, KeyName, Signer};

    use super::*;

    #[test]
    fn what_was_kept_last_is_read_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wardkey.db");
        assert_eq!(read(&database).unwrap(), None);

        let signer = Signer::new(KeyName::new("log").unwrap(), &[1; 32]);
        for size in [5, 9, 9] {
            let made = Checkpoint::new("log", size, Hash::of_nothing()).unwrap();
            keep(&database, &made.sign(&signer).unwrap().to_string()).unwrap();
            assert_eq!(read(&database).unwrap(), Some(made));
        }
        // A program that was slower keeps what it signed before.
        let late = Checkpoint::new("log", 7, Hash::of_nothing()).unwrap();
        keep(&database, &late.sign(&signer).unwrap().to_string()).unwrap();
        assert_eq!(read(&database).unwrap().unwrap().size(), 9);
        let longer = Checkpoint::new("log", 10, Hash::of_nothing()).unwrap();
        keep(&database, &longer.sign(&signer).unwrap().to_string()).unwrap();
        assert_eq!(read(&database).unwrap(), Some(longer));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        std::fs::write(with_end(&database, END), "5").unwrap();
        assert_eq!(read(&database).unwrap_err().code(), Code::LogBeside);
    }
}
