//! One redb file: opened with its integrity checked, set aside when corrupt, opened again after an
//! error of the disk (redb refuses to go on after one), its disk space reserved in advance.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::reserved::Reserved;
use crate::error::AgentError;
use crate::lock::{self, lock};
use crate::log;

/// Every table has this one type of row. redb is generic over it: with a type for each table the
/// program would be a megabyte larger, and so would its memory.
pub(crate) type Rows = redb::TableDefinition<'static, &'static [u8], &'static [u8]>;

/// A redb file.
#[derive(Debug)]
pub struct Db {
    path: PathBuf,
    cache: usize,
    reserve: u64,
    database: RwLock<Option<Database>>,
    /// The disk failed: open again before the next use.
    broken: AtomicBool,
    closed: AtomicBool,
    set_aside: Mutex<Vec<PathBuf>>,
}

impl Db {
    /// Opens or creates the file. `cache` is redb's memory in bytes, `reserve` the disk space in
    /// bytes that is allocated whether it is used or not.
    ///
    /// # Errors
    /// [`AgentError`] when it cannot be opened; a corrupt file is no error but is set aside.
    pub fn open(path: &Path, cache: usize, reserve: u64) -> Result<Self, AgentError> {
        let db = Self {
            path: path.to_owned(),
            cache,
            reserve,
            database: RwLock::new(None),
            broken: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            set_aside: Mutex::default(),
        };
        db.mend()?;
        Ok(db)
    }

    /// The files that were set aside since this was asked last.
    pub fn take_set_aside(&self) -> Vec<PathBuf> {
        std::mem::take(&mut lock(&self.set_aside))
    }

    /// Begins to read. The transaction sees one state however long it lives.
    pub fn begin_read(&self) -> Result<ReadTransaction, AgentError> {
        self.begin(|database| Ok(database.begin_read()?))
    }

    /// Begins to write; waits for another writer. Nothing is kept unless it is committed by
    /// [`Self::commit`].
    pub fn begin_write(&self) -> Result<WriteTransaction, AgentError> {
        self.begin(|database| Ok(database.begin_write()?))
    }

    fn begin<T>(
        &self,
        begin: impl Fn(&Database) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let try_once = || {
            self.mend()?;
            let database = lock::read(&self.database);
            self.note(begin(database.as_ref().ok_or_else(closed)?))
        };
        // After an error of the disk redb says so at the next use; opened again it may go on.
        try_once().or_else(|_| try_once())
    }

    /// Makes a transaction durable.
    ///
    /// # Errors
    /// [`AgentError`]; nothing of the transaction is kept then.
    pub fn commit(&self, transaction: WriteTransaction) -> Result<(), AgentError> {
        self.note(transaction.commit().map_err(AgentError::from))
    }

    /// Reads with `work`.
    ///
    /// # Errors
    /// Those of the store and of `work`.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let transaction = self.begin_read()?;
        self.note(work(&transaction))
    }

    /// Writes with `work` in one durable transaction; nothing is kept when it fails.
    ///
    /// # Errors
    /// Those of the store and of `work`.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let transaction = self.begin_write()?;
        let result = self.note(work(&transaction))?;
        self.commit(transaction)?;
        Ok(result)
    }

    /// Closes the file; every later use is an error.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        *lock::write(&self.database) = None;
    }

    /// Passes a result on and remembers that the file must be opened again when the disk failed.
    pub(crate) fn note<T>(&self, result: Result<T, AgentError>) -> Result<T, AgentError> {
        if matches!(result, Err(AgentError::Store(_) | AgentError::Full)) {
            self.broken.store(true, Ordering::SeqCst);
        }
        result
    }

    fn mend(&self) -> Result<(), AgentError> {
        if !self.broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut database = lock::write(&self.database);
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        if !self.broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        // The old handle holds the lock on the file.
        *database = None;
        let opened = match self.open_file() {
            Err(Opening::Corrupt(what)) => {
                self.put_aside(&what)?;
                self.open_file()
            }
            other => other,
        };
        *database = Some(opened.map_err(|error| match error {
            Opening::Corrupt(what) => AgentError::Store(what.into()),
            Opening::Failed(error) => error,
        })?);
        self.broken.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn open_file(&self) -> Result<Database, Opening> {
        let failed = |error| Opening::Failed(AgentError::file(&self.path, error));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&self.path)
            .map_err(failed)?;
        let backend = Reserved::new(file, self.reserve).map_err(Opening::Failed)?;
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache).set_check_integrity_on_open(true);
        // A file that redb did not write must not end the agent by a panic.
        match catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(backend))) {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(error)) => Err(opening_error(error)),
            Err(_) => Err(Opening::Corrupt("unreadable".into())),
        }
    }

    fn put_aside(&self, what: &str) -> Result<(), AgentError> {
        let seconds = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".corrupt-{seconds}"));
        let aside = PathBuf::from(name);
        std::fs::rename(&self.path, &aside).map_err(|error| AgentError::file(&self.path, error))?;
        log::warning(format_args!(
            "{} was unreadable ({what}) and is now {}",
            self.path.display(),
            aside.display()
        ));
        lock(&self.set_aside).push(aside);
        Ok(())
    }
}

enum Opening {
    Corrupt(String),
    Failed(AgentError),
}

fn closed() -> AgentError {
    AgentError::Store("closed".into())
}

fn opening_error(error: redb::DatabaseError) -> Opening {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error {
        redb::DatabaseError::Storage(redb::StorageError::Corrupted(what)) => Opening::Corrupt(what),
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) =>
        {
            Opening::Corrupt(error.to_string())
        }
        redb::DatabaseError::RepairAborted | redb::DatabaseError::UpgradeRequired(_) => {
            Opening::Corrupt(error.to_string())
        }
        error => Opening::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::TableDefinition;

    const T: TableDefinition<u64, &[u8]> = TableDefinition::new("t");

    fn fill(path: &Path) {
        let db = Db::open(path, 1 << 20, 0).unwrap();
        db.write(|t| {
            let mut table = t.open_table(T)?;
            for n in 0..2000u64 {
                table.insert(n, &[7u8; 300][..])?;
            }
            Ok(())
        })
        .unwrap();
        db.close();
    }

    #[test]
    fn a_corrupt_file_is_set_aside_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        // How the file is spoilt -> it is set aside
        type Spoil = fn(&mut Vec<u8>);
        let cases: [(&str, Spoil); 5] = [
            ("garbage", |bytes| bytes.iter_mut().for_each(|byte| *byte = 0x5a)),
            ("short garbage", |bytes| *bytes = b"not a database".to_vec()),
            ("header", |bytes| bytes[..512].fill(0xff)),
            ("cut short", |bytes| bytes.truncate(bytes.len() / 3)),
            ("one page", |bytes| {
                let pages = bytes.len() / 4096;
                for page in 2..pages {
                    bytes[page * 4096 + 100] ^= 0xff;
                }
            }),
        ];
        for (name, spoil) in cases {
            let path = folder.path().join(format!("{}.redb", name.replace(' ', "-")));
            fill(&path);
            let mut bytes = std::fs::read(&path).unwrap();
            spoil(&mut bytes);
            std::fs::write(&path, &bytes).unwrap();
            let db = Db::open(&path, 1 << 20, 0).unwrap_or_else(|error| panic!("{name}: {error}"));
            let aside = db.take_set_aside();
            assert_eq!(aside.len(), 1, "{name}");
            assert_eq!(
                std::fs::read(&aside[0]).unwrap().len(),
                bytes.len(),
                "{name}: nothing of it is lost"
            );
            db.write(|t| Ok(t.open_table(T)?.insert(1, &b"x"[..]).map(|_| ())?)).unwrap();
        }
    }

    #[test]
    fn a_sound_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        fill(&path);
        let db = Db::open(&path, 1 << 20, 0).unwrap();
        assert!(db.take_set_aside().is_empty());
        use redb::ReadableTableMetadata;
        assert_eq!(db.read(|t| Ok(t.open_table(T)?.len()?)).unwrap(), 2000);
    }

    #[test]
    fn disk_space_is_reserved_in_advance() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        let _db = Db::open(&path, 1 << 20, 8 << 20).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert!(metadata.blocks() * 512 >= 8 << 20, "{} blocks", metadata.blocks());
    }
}
