//! How a database lies in its folder.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::files;

/// What the file of a database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The file of a database, its write-ahead log and the index of that, whether they are there or
/// not.
pub fn files_of(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = OsString::from(database);
        name.push(end);
        name.into()
    })
}

/// The write-ahead log of a database.
pub(super) fn log_of(database: &Path) -> PathBuf {
    let [_, log, _] = files_of(database);
    log
}

/// Whether a file begins as a database does.
///
/// # Errors
/// When it is no regular file, or cannot be read.
pub fn is_database(path: &Path) -> std::io::Result<bool> {
    let mut begins = Vec::new();
    files::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut begins)?;
    Ok(begins == MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn a_database_and_its_files_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wardkey.db");
        let store = Store::create(&path).await.unwrap();
        assert_eq!(files_of(&path).map(|file| file.exists()), [true; 3]);
        assert!(is_database(&path).unwrap() && !is_database(&log_of(&path)).unwrap());
        store.close().await;
        assert_eq!(files_of(&path).map(|file| file.exists()), [true, false, false]);
        is_database(folder.path()).unwrap_err();
    }
}
