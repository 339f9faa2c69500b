//! Sidecar files of a database: its write-ahead log and the index of that, and all of them under
//! a second name while another database takes its place.
//!
//! ```text
//!   wardkey.db         wardkey.db-wal  wardkey.db-shm
//!   wardkey.db.replaced-TIME      ...-wal         ...-shm
//! ```
//! As long as both names of the database are of one file, the other one has not taken its place.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use wardkey_core::time::UnixTime;

/// What SQLite has beside a database. A log that stays behind would be taken for the next
/// database's own.
pub const SIDECARS: [&str; 2] = [LOG, INDEX];

const LOG: &str = "-wal";
/// The index of the log, which is made anew where it is missing.
const INDEX: &str = "-shm";
const REPLACED: &str = ".replaced-";

/// A path with something behind its name.
pub fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A name beside a database under which nothing is.
pub fn name_aside(database: &Path, now: UnixTime) -> PathBuf {
    let mut aside = with_end(database, &format!("{REPLACED}{}", now.0));
    for number in 1.. {
        let is_free = |end| with_end(&aside, end).symlink_metadata().is_err();
        if ["", LOG, INDEX].into_iter().all(is_free) {
            break;
        }
        aside = with_end(database, &format!("{REPLACED}{}-{number}", now.0));
    }
    aside
}

/// Puts back what a restore that was killed had taken away from a database that is still in its
/// place, and takes its second name away. Whoever opens a database does this first: without its log
/// it is an older one.
///
/// # Errors
/// What the system said.
pub fn put_back(database: &Path) -> Result<()> {
    let Some(own) = found(database)?.filter(|meta| meta.is_file() && meta.nlink() > 1) else {
        return Ok(());
    };
    let folder = database.parent().unwrap_or(Path::new("/"));
    let begins = with_end(database, REPLACED);
    for entry in std::fs::read_dir(folder)? {
        let aside = entry?.path();
        let is_second = aside.as_os_str().as_bytes().starts_with(begins.as_os_str().as_bytes());
        if !is_second || found(&aside)?.is_none_or(|meta| !is_same(&meta, &own)) {
            continue;
        }
        // The log first: this is done again as long as the second name is there.
        log_back(&with_end(&aside, LOG), &with_end(database, LOG))?;
        remove(&with_end(&aside, INDEX))?;
        File::open(folder)?.sync_all()?;
        remove(&aside)?;
    }
    Ok(())
}

/// Moves a log back, once: a second process finds nothing to move.
fn log_back(from: &Path, to: &Path) -> Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(Errno::EEXIST) => match (found(from)?, found(to)?) {
            // It was not taken away yet.
            (Some(from_meta), Some(to_meta)) if is_same(&from_meta, &to_meta) => remove(from),
            // Another log has begun since, so this one is too old.
            _ => Ok(()),
        },
        Err(errno) => Err(errno.into()),
    }
}

fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn found(path: &Path) -> Result<Option<std::fs::Metadata>> {
    absent(path.symlink_metadata())
}

fn remove(path: &Path) -> Result<()> {
    absent(std::fs::remove_file(path)).map(drop)
}

/// What is not there is no error.
fn absent<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, end: &str, text: &str) {
        std::fs::write(with_end(path, end), text).unwrap();
    }

    fn read(path: &Path, end: &str) -> String {
        std::fs::read_to_string(with_end(path, end)).unwrap_or_default()
    }

    #[test]
    fn the_log_of_a_database_that_was_not_replaced_comes_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wardkey.db");
        write(&database, "", "old");
        let other = name_aside(&database, UnixTime(1));
        write(&other, "", "of another time");
        write(&other, "-wal", "of another time");
        let aside = name_aside(&database, UnixTime(1));
        assert_ne!(aside, other);
        std::fs::hard_link(&database, &aside).unwrap();
        write(&aside, "-wal", "log");
        put_back(&database).unwrap();
        assert_eq!((read(&database, ""), read(&database, "-wal")), ("old".into(), "log".into()));
        assert!(!aside.exists() && !with_end(&aside, "-wal").exists());
        assert_eq!(read(&other, "-wal"), "of another time");
        // It is used from then on: nothing old comes back.
        std::fs::remove_file(with_end(&database, "-wal")).unwrap();
        put_back(&database).unwrap();
        assert!(!with_end(&database, "-wal").exists());
    }

    #[test]
    fn a_log_that_was_not_taken_away_yet_stays_and_one_of_a_replaced_database_stays_aside() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wardkey.db");
        write(&database, "", "old");
        write(&database, "-wal", "log");
        let aside = name_aside(&database, UnixTime(1));
        for end in ["", "-wal"] {
            std::fs::hard_link(with_end(&database, end), with_end(&aside, end)).unwrap();
        }
        put_back(&database).unwrap();
        assert_eq!(read(&database, "-wal"), "log");
        assert!(!aside.exists() && !with_end(&aside, "-wal").exists());

        std::fs::rename(&database, &aside).unwrap();
        std::fs::rename(with_end(&database, "-wal"), with_end(&aside, "-wal")).unwrap();
        write(&database, "", "new");
        put_back(&database).unwrap();
        assert_eq!((read(&database, ""), read(&database, "-wal")), ("new".into(), String::new()));
        assert_eq!((read(&aside, ""), read(&aside, "-wal")), ("old".into(), "log".into()));
    }
}
