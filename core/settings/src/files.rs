//! The files that are believed: regular, root's, writable by nobody else, in a folder of which
//! the same is true, opened without following a link, and no longer than expected.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

pub use crate::file_error::{FileError, Kind};

/// Who must own the files; root always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// Root.
    pub const ROOT: Self = Self(0);

    /// The user of this process, besides root: tests, and the agent, whom nobody else could fool.
    pub fn current() -> Self {
        Self(nix::unistd::geteuid().as_raw())
    }

    /// This user, besides root.
    pub const fn of(uid: u32) -> Self {
        Self(uid)
    }

    /// Whether a file of this uid is believed.
    pub fn may_own(self, uid: u32) -> bool {
        uid == self.0 || uid == 0
    }
}

/// Reads a file.
///
/// # Errors
/// [`FileError`] when it is not there, or not to be believed.
pub fn read(path: &Path, owner: Owner, max: usize) -> Result<Vec<u8>, FileError> {
    read_whole(path, open_to_read(path, owner)?, max)
}

/// Reads a file that has a secret: nobody but its owner and its group may read it.
///
/// # Errors
/// [`FileError`] when it is not there, not to be believed, or no secret.
pub fn read_secret(path: &Path, owner: Owner, max: usize) -> Result<Vec<u8>, FileError> {
    let file = open_to_read(path, owner)?;
    let stat: FileStat = fstat(&file).map_err(|errno| io(path, errno.into()))?;
    if stat.st_mode & 0o007 != 0 {
        return Err(FileError::Secret { path: path.into(), mode: stat.st_mode & 0o7777 });
    }
    read_whole(path, file, max)
}

fn open_to_read(path: &Path, owner: Owner) -> Result<OwnedFd, FileError> {
    let (folder, name) = open_folder(path, owner)?;
    // O_NONBLOCK: opening a FIFO must not wait; it is refused by its kind afterwards.
    let flags = OFlag::O_RDONLY
        | OFlag::O_CLOEXEC
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY;
    let file = openat(&folder, name, flags, Mode::empty())
        .map_err(|errno| failure(path, errno, Kind::Regular))?;
    check(path, &file, owner, SFlag::S_IFREG, Kind::Regular)?;
    Ok(file)
}

fn read_whole(path: &Path, file: OwnedFd, max: usize) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    File::from(file).take(limit).read_to_end(&mut bytes).map_err(|error| io(path, error))?;
    if bytes.len() > max {
        return Err(FileError::TooLong { path: path.into(), max });
    }
    Ok(bytes)
}

/// Opens a file to write at its end, and to read; a missing one is made, for its owner and its
/// group. One that others may write, or reached by a link, is none to write to.
///
/// # Errors
/// [`FileError`] when it cannot be opened or made, or is not to be believed.
pub fn open_to_append(path: &Path, owner: Owner) -> Result<File, FileError> {
    let (folder, name) = open_folder(path, owner)?;
    // O_NONBLOCK: as in `read`.
    let flags = OFlag::O_RDWR
        | OFlag::O_APPEND
        | OFlag::O_CLOEXEC
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY;
    let new = flags | OFlag::O_CREAT | OFlag::O_EXCL;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP;
    let file = match openat(&folder, name, flags, Mode::empty()) {
        Err(Errno::ENOENT) => openat(&folder, name, new, mode).and_then(|file| {
            // Whatever the umask is; and the name is to be there after a power cut too.
            fchmod(&file, mode)?;
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            fsync(&openat(&folder, ".", flags, Mode::empty())?)?;
            Ok(file)
        }),
        opened => opened,
    };
    let file = file.map_err(|errno| failure(path, errno, Kind::Regular))?;
    check(path, &file, owner, SFlag::S_IFREG, Kind::Regular)?;
    Ok(File::from(file))
}

/// Takes the lock of a file for this process alone (flock(2)); whoever has it is waited for so
/// long.
///
/// # Errors
/// `EWOULDBLOCK` or `EINTR` when another has it still; others are those of flock(2).
pub fn lock_within(mut file: File, patience: Duration) -> Result<Flock<File>, Errno> {
    let until = Instant::now() + patience;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) if Instant::now() < until => {
                file = unlocked;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err((_, errno)) => return Err(errno),
        }
    }
}

/// A file that is being replaced: nobody else replaces it meanwhile.
pub struct Replacement {
    path: PathBuf,
    folder: OwnedFd,
    _lock: Flock<File>,
}

impl Replacement {
    /// Takes the lock that belongs to the file (`NAME.lock` beside it, for its owner only).
    ///
    /// # Errors
    /// [`FileError::Busy`] when another has it for longer than `patience`; others as for [`read`].
    pub fn begin(path: &Path, owner: Owner, patience: Duration) -> Result<Self, FileError> {
        let (folder, name) = open_folder(path, owner)?;
        let mut lock_name = name.to_owned();
        lock_name.push(".lock");
        let flags = OFlag::O_RDWR
            | OFlag::O_CREAT
            | OFlag::O_CLOEXEC
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK;
        let lock = openat(&folder, lock_name.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)
            .map_err(|errno| failure(path, errno, Kind::Regular))?;
        check(path, &lock, owner, SFlag::S_IFREG, Kind::Regular)?;
        let lock = lock_within(File::from(lock), patience).map_err(|errno| match errno {
            Errno::EWOULDBLOCK | Errno::EINTR => FileError::Busy { path: path.into() },
            errno => io(path, errno.into()),
        })?;
        Ok(Self { path: path.into(), folder, _lock: lock })
    }

    /// Replaces the content: after a crash or a full disk there is the old file or the new one,
    /// whole.
    ///
    /// # Errors
    /// [`FileError::Io`]; the old file is still there.
    pub fn finish(self, bytes: &[u8]) -> Result<(), FileError> {
        self.finish_as(bytes, 0o644)
    }

    /// The same with another mode than 0644.
    ///
    /// # Errors
    /// As for [`Self::finish`].
    pub fn finish_as(self, bytes: &[u8], mode: u32) -> Result<(), FileError> {
        let name =
            self.path.file_name().ok_or_else(|| FileError::Path { path: self.path.clone() })?;
        replace_in(&self.folder, name, bytes, Mode::from_bits_truncate(mode))
            .map_err(|error| io(&self.path, error))
    }
}

/// Replaces a file in a folder of which no other user can change anything: after a crash or a full
/// disk there is the old file or the new one, whole, and the new one of this mode, whatever the
/// umask is.
///
/// # Errors
/// The system's; the old file is there then, or the new one, whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput));
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder =
        open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    replace_in(&folder, name, bytes, Mode::from_bits_truncate(mode))
}

/// Replaces a file of an open folder by writing `NAME.new` first. Nobody else does so at the same
/// time.
fn replace_in(folder: &OwnedFd, name: &OsStr, bytes: &[u8], mode: Mode) -> std::io::Result<()> {
    let mut new_name = name.to_owned();
    new_name.push(".new");
    let new_name = new_name.as_os_str();
    let remove_new = || {
        let _ = unlinkat(folder, new_name, UnlinkatFlags::NoRemoveDir);
    };
    // What an interrupted run left behind.
    remove_new();
    let written = (|| {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        // For nobody else before it is whole.
        let mut file = File::from(openat(folder, new_name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        file.write_all(bytes)?;
        fchmod(&file, mode)?;
        file.sync_all()?;
        renameat(folder, new_name, folder, name)?;
        // The folder was opened by O_PATH, which cannot be synchronised.
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(fsync(&openat(folder, ".", flags, Mode::empty())?)?)
    })();
    if written.is_err() {
        remove_new();
    }
    written
}

/// The folder of a file, opened and checked, and the file's name in it.
fn open_folder(path: &Path, owner: Owner) -> Result<(OwnedFd, &OsStr), FileError> {
    let not_a_path = || FileError::Path { path: path.into() };
    let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(not_a_path)?;
    if !path.is_absolute() {
        return Err(not_a_path());
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let folder =
        open(parent, flags, Mode::empty()).map_err(|errno| failure(parent, errno, Kind::Folder))?;
    check(parent, &folder, owner, SFlag::S_IFDIR, Kind::Folder)?;
    Ok((folder, name))
}

fn check(
    path: &Path,
    fd: &impl AsFd,
    owner: Owner,
    kind: SFlag,
    expected: Kind,
) -> Result<(), FileError> {
    let stat: FileStat = fstat(fd).map_err(|errno| io(path, errno.into()))?;
    if stat.st_mode & SFlag::S_IFMT.bits() != kind.bits() {
        return Err(FileError::Kind { path: path.into(), expected });
    }
    if !owner.may_own(stat.st_uid) {
        return Err(FileError::Owner { path: path.into(), uid: stat.st_uid });
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(FileError::Mode { path: path.into(), mode: stat.st_mode & 0o7777 });
    }
    Ok(())
}

fn failure(path: &Path, errno: Errno, expected: Kind) -> FileError {
    match errno {
        Errno::ENOENT => FileError::Missing { path: path.into() },
        Errno::ELOOP | Errno::ENOTDIR | Errno::ENXIO => {
            FileError::Kind { path: path.into(), expected }
        }
        _ => io(path, errno.into()),
    }
}

fn io(path: &Path, error: std::io::Error) -> FileError {
    FileError::Io { path: path.into(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_a_regular_file_that_nobody_else_can_write_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pam.toml");
        let us = Owner::current();
        assert!(matches!(read(&path, us, 10), Err(FileError::Missing { .. })));
        fs::write(&path, "0123456789").unwrap();
        mode(&path, 0o644);
        assert_eq!(read(&path, us, 10).unwrap(), b"0123456789");
        assert!(matches!(read(&path, us, 9), Err(FileError::TooLong { .. })));
        for bad in [0o664, 0o646, 0o666] {
            mode(&path, bad);
            assert!(matches!(read(&path, us, 10), Err(FileError::Mode { .. })), "{bad:o}");
        }
        mode(&path, 0o644);
        for bad in [0o775, 0o757, 0o1777] {
            mode(folder.path(), bad);
            assert!(matches!(read(&path, us, 10), Err(FileError::Mode { .. })), "{bad:o}");
        }
        mode(folder.path(), 0o755);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(read(&link, us, 10), Err(FileError::Kind { .. })));
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::from_bits_truncate(0o644)).unwrap();
        assert!(matches!(read(&fifo, us, 10), Err(FileError::Kind { .. })));
        assert!(matches!(
            read(folder.path(), us, 10),
            Err(FileError::Kind { .. } | FileError::Mode { .. })
        ));
        assert!(matches!(read(Path::new("pam.toml"), us, 10), Err(FileError::Path { .. })));
        assert!(matches!(read(Path::new("/"), us, 10), Err(FileError::Path { .. })));
        if us == Owner::ROOT {
            std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
            assert!(matches!(read(&path, us, 10), Err(FileError::Owner { uid: 1234, .. })));
        }
    }

    #[test]
    fn a_file_is_appended_to_where_nobody_else_can_put_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.log");
        let us = Owner::current();
        let append = |text: &str| {
            open_to_append(&path, us).map(|mut file| file.write_all(text.as_bytes()).unwrap())
        };
        append("one\n").unwrap();
        append("two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        mode(&path, 0o660);
        assert!(matches!(append("x"), Err(FileError::Mode { .. })));
        mode(&path, 0o600);
        mode(folder.path(), 0o775);
        assert!(matches!(append("x"), Err(FileError::Mode { .. })));
        mode(folder.path(), 0o755);
        for put in [
            (|at: &Path| symlink("/dev/null", at).unwrap()) as fn(&Path),
            |at| symlink("nowhere", at).unwrap(),
            |at| nix::unistd::mkfifo(at, Mode::from_bits_truncate(0o600)).unwrap(),
        ] {
            fs::remove_file(&path).unwrap();
            put(&path);
            assert!(matches!(append("x"), Err(FileError::Kind { .. })), "{path:?}");
        }
        assert!(!folder.path().join("nowhere").exists());
    }

    #[test]
    fn files_are_replaced_whole_and_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let us = Owner::current();
        let patience = Duration::from_millis(20);
        fs::write(folder.path().join("marks.new"), "left behind").unwrap();
        let first = Replacement::begin(&path, us, patience).unwrap();
        assert!(matches!(Replacement::begin(&path, us, patience), Err(FileError::Busy { .. })));
        first.finish(b"one").unwrap();
        Replacement::begin(&path, us, patience).unwrap().finish(b"two").unwrap();
        assert_eq!(read(&path, us, 10).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(
            fs::metadata(folder.path().join("marks.lock")).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
