//! A folder in which something is made before it takes its place.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, RenameFlags, renameat2};
use wardkey_core::code::Code;
use wardkey_core::id::to_hex;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::files::folder_of;
use crate::secret;
use crate::texts::{Text, doing};

/// A folder (0700) that is locked while it is used, and removed with all in it when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Scratch {
    /// Beside a place, so that what is made can be renamed to it. One that was left by a process
    /// that was killed is emptied and used again.
    ///
    /// # Errors
    /// [`Code::BackupThere`] when another process uses it, somebody else made it, or others can
    /// look into it; [`Error::Io`].
    pub fn sibling_of(place: &Path) -> Result<Self> {
        let path = sibling_path(place);
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::at_file(Text::Making, &path)(error));
            }
            _ => {}
        }
        let scratch = Self::lock(path)?;
        scratch.empty()?;
        Ok(scratch)
    }

    /// Removes what a process that was killed left beside a place: keys could be in it. What is in
    /// use stays.
    ///
    /// # Errors
    /// [`Code::ScratchLeft`] when it is another user's, as root's is for the service: nobody but
    /// root can remove it. [`Error::Io`] when it cannot be removed.
    pub fn sweep(place: &Path) -> Result<()> {
        let path = sibling_path(place);
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::at_file(Text::Removing, &path)(error)),
            Ok(meta) if !meta.is_dir() || !is_ours(&meta) => return Err(left(&path)),
            Ok(_) => {}
        }
        match Self::lock(path) {
            Ok(scratch) => {
                scratch.empty()?;
                let what = doing(Text::Removing, &scratch.path);
                std::fs::remove_dir(&scratch.path).map_err(Error::io(what))
            }
            Err(error) if error.code() == Code::BackupThere => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// In the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn in_temp_dir() -> Result<Self> {
        let name = format!("wardkey-server-{}", to_hex(&secret::random::<8>()?));
        let path = std::env::temp_dir().join(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(Error::at_file(Text::Making, &path))?;
        Self::lock(path)
    }

    fn lock(path: PathBuf) -> Result<Self> {
        let what = || doing(Text::Opening, &path);
        let flags = nix::libc::O_DIRECTORY | nix::libc::O_NOFOLLOW;
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&path)
            .map_err(Error::io(what()))?;
        // What somebody else made is not emptied, and what others can write is not used: they could
        // read what is made in it, or put something of theirs there.
        let meta = folder.metadata().map_err(Error::io(what()))?;
        if !is_ours(&meta) {
            return Err(there(&path));
        }
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(_) => Err(there(&path)),
        }
    }

    pub(super) fn empty(&self) -> Result<()> {
        let what = || doing(Text::Emptying, &self.path);
        for entry in std::fs::read_dir(&self.path).map_err(Error::io(what()))? {
            let path = entry.map_err(Error::io(what()))?.path();
            let is_folder = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            let removed = if is_folder {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.map_err(Error::io(what()))?;
        }
        Ok(())
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Gives it the name of a place where nothing is.
    ///
    /// # Errors
    /// [`Code::BackupThere`] when something is there; [`Error::Io`].
    pub fn rename(self, place: &Path) -> Result<()> {
        sync(&self.path)?;
        rename_new(&self.path, place)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Whether a folder is ours alone.
fn is_ours(meta: &std::fs::Metadata) -> bool {
    meta.uid() == nix::unistd::geteuid().as_raw() && meta.mode() & 0o077 == 0
}

/// The refusal of a folder that another user's command left.
fn left(path: &Path) -> Error {
    let shown = path.display().to_string().into();
    Error::refused(Code::ScratchLeft, texts::phrase(Code::ScratchLeft, vec![("path", shown)]))
}

fn sibling_path(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    folder_of(place).join(format!(".{name}.partial"))
}

/// Gives a file or folder the name of a place where nothing is, durably.
///
/// # Errors
/// [`Code::BackupThere`] when something is there; [`Error::Io`].
pub fn rename_new(from: &Path, to: &Path) -> Result<()> {
    let here = nix::fcntl::AT_FDCWD;
    match renameat2(here, from, here, to, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) => sync(&folder_of(to)),
        Err(nix::errno::Errno::EEXIST) => Err(there(to)),
        Err(errno) => Err(Error::at_file(Text::RenamingTo, to)(errno.into())),
    }
}

/// The refusal of a place where something is.
pub fn there(path: &Path) -> Error {
    let shown = path.display().to_string().into();
    Error::refused(Code::BackupThere, texts::phrase(Code::BackupThere, vec![("path", shown)]))
}

/// Writes a new file (0600), durably.
///
/// # Errors
/// [`Error::Io`], also when it is there.
pub fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let what = || doing(Text::Writing, path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io(what()))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(Error::io(what()))
}

/// Makes a file or a folder durable.
///
/// # Errors
/// [`Error::Io`].
pub fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::at_file(Text::Writing, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_emptied_and_what_a_living_one_uses_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("monday");
        let left = folder.path().join(".monday.partial");
        std::fs::DirBuilder::new().mode(0o700).create(&left).unwrap();
        std::fs::create_dir(left.join("deep")).unwrap();
        std::fs::write(left.join("wardkey.db"), "half").unwrap();

        let scratch = Scratch::sibling_of(&place).unwrap();
        assert_eq!(std::fs::read_dir(&left).unwrap().count(), 0);
        write_new(&scratch.file("a"), b"a").unwrap();
        assert_eq!(Scratch::sibling_of(&place).unwrap_err().code(), Code::BackupThere);
        scratch.rename(&place).unwrap();
        assert!(place.join("a").exists() && !left.exists());

        let again = Scratch::sibling_of(&place).unwrap();
        assert_eq!(again.rename(&place).unwrap_err().code(), Code::BackupThere);
        assert!(place.join("a").exists() && !left.exists(), "nothing is left over");
    }

    #[test]
    fn what_is_left_is_removed_or_it_is_said_that_it_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("wardkey.db");
        let left = folder.path().join(".wardkey.db.partial");
        Scratch::sweep(&place).unwrap();

        let make = |mode| {
            std::fs::DirBuilder::new().mode(mode).create(&left).unwrap();
            std::fs::write(left.join("publish.key"), "secret").unwrap();
        };
        make(0o700);
        Scratch::sweep(&place).unwrap();
        assert!(!left.exists());

        // In use by a process that lives.
        let used = Scratch::sibling_of(&place).unwrap();
        Scratch::sweep(&place).unwrap();
        assert!(left.exists());
        drop(used);

        // Not ours alone, or another user's.
        make(0o755);
        assert_eq!(Scratch::sweep(&place).unwrap_err().code(), Code::ScratchLeft);
        if nix::unistd::geteuid().is_root() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(&left, mode).unwrap();
            std::os::unix::fs::chown(&left, Some(1234), None).unwrap();
            let refused = Scratch::sweep(&place).unwrap_err();
            assert_eq!(refused.code(), Code::ScratchLeft);
            assert!(refused.to_string().contains(".wardkey.db.partial"), "{refused}");
        }
        assert!(left.join("publish.key").exists());
    }
}
