//! The one store: people, keys, terminals, codes, published state, events and the audit trail.
//!
//! ```text
//!   store      opening, migrations, transactions
//!    ├ scope, person, credential, state      what is published
//!    ├ terminal, token, code                 who may come
//!    ├ event, intake, audit                  what happened, and how much of it
//!    ├ clock                                 by which time was signed
//!    └ import                                many people at once
//! ```
//! SQL stands in these modules only, in the dialect that SQLite and PostgreSQL share wherever one
//! exists. Every change is one transaction that holds the write lock from its first statement, so
//! that nothing is decided on what another process changes meanwhile.

pub mod audit;
pub mod clock;
pub mod code;
pub mod credential;
pub mod event;
pub mod import;
pub mod intake;
pub mod person;
pub mod scope;
pub mod setting;
pub mod state;
pub mod terminal;
pub mod token;

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};

/// A transaction. What is not committed has not happened.
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    /// Told how a commit ended; none for one that only reads.
    writes: Option<Arc<Writes>>,
}

impl Tx {
    /// Makes everything durable.
    ///
    /// # Errors
    /// What the store said; then nothing has happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        let done = self.inner.commit().await;
        if let Some(writes) = self.writes {
            writes.note(done.as_ref());
        }
        done
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

/// Whether the store could be written when that was tried last.
#[derive(Debug)]
struct Writes(AtomicBool);

impl Writes {
    fn note(&self, done: Result<&(), &sqlx::Error>) {
        let can = match done {
            Ok(()) => true,
            // Somebody else holds the write lock: that says nothing about the disk.
            Err(sqlx::Error::Database(error)) if is_busy(error.as_ref()) => return,
            Err(_) => false,
        };
        let could = self.0.swap(can, Ordering::SeqCst);
        if could && let Err(error) = done {
            tracing::error!(%error, "the store cannot be written");
        } else if !could && can {
            tracing::info!("the store can be written again");
        }
    }
}

/// SQLITE_BUSY, whatever its extension says.
fn is_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    options: SqliteConnectOptions,
    path: PathBuf,
    writes: Arc<Writes>,
}

impl Store {
    /// Makes a new database.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Migration`]; [`Error::Refused`] when there is one already.
    pub async fn create(path: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        // Made here and not by SQLite, so that it is never readable by others, not even for a moment.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Error::invalid(format!("{} exists already; nothing was changed", path.display()))
            } else {
                Error::io(format!("making {}", path.display()))(error)
            }
        })?;
        Self::open(path).await
    }

    /// Opens a database and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Store`] when it is not there or not a database, [`Error::Migration`] when a newer
    /// version made it.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON");
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(BUSY)
            // When the disk is full SQLite ends a transaction by itself, and sqlx goes on counting it: every
            // next one on that connection would fail. It is closed, and another one opened.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool, options, path: path.to_owned(), writes: Arc::new(Writes(AtomicBool::new(true))) })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A transaction that may write; holds the write lock at once.
    ///
    /// # Errors
    /// [`Error::Store`], also when another process holds the lock for longer than ten seconds.
    pub async fn write(&self) -> Result<Tx> {
        let inner = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx { inner, writes: Some(Arc::clone(&self.writes)) })
    }

    /// A transaction that reads one unchanging state.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx { inner: self.pool.begin().await?, writes: None })
    }

    /// Whether the store could be written when that was tried last; [`Self::try_writing`] is never
    /// long ago.
    pub fn can_write(&self) -> bool {
        self.writes.0.load(Ordering::SeqCst)
    }

    /// Writes what changes nothing, so that a full or lost disk shows before a record is refused.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn try_writing(&self) -> Result<()> {
        let tried = async {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("UPDATE counter SET value = value WHERE name = 'terminal'").execute(&mut *tx).await?;
            tx.commit().await
        };
        let done = tried.await;
        self.writes.note(done.as_ref());
        Ok(done?)
    }

    /// A connection of its own that notices what others commit.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn watcher(&self) -> Result<Watcher> {
        use sqlx::ConnectOptions;
        Ok(Watcher { connection: self.options.connect().await?, version: None })
    }

    /// Closes every connection, so that the write-ahead log is folded in.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// Notices commits of other connections and processes.
#[derive(Debug)]
pub struct Watcher {
    connection: SqliteConnection,
    version: Option<i64>,
}

impl Watcher {
    /// Whether anything was committed since the last call; the first call says yes.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn changed(&mut self) -> Result<bool> {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.connection).await?;
        Ok(self.version.replace(version) != Some(version))
    }

    /// Closes the connection.
    pub async fn close(self) {
        // It only ever read; there is nothing to lose.
        let _ = self.connection.close().await;
    }
}

/// For the store, which has signed integers only.
pub(crate) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// From the store; what is below zero was never written by us.
pub(crate) fn to_u64(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::damaged(format!("the number {value}")))
}

pub(crate) fn to_time(value: i64) -> Result<UnixTime> {
    to_u64(value).map(UnixTime)
}

pub(crate) fn to_some_time(value: Option<i64>) -> Result<Option<UnixTime>> {
    value.map(to_time).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn full(store: &Store) -> sqlx::Error {
        let mut tx = store.write().await.unwrap();
        // This connection may use no more pages than there are: as on a full disk.
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *tx).await.unwrap();
        let insert = "INSERT INTO setting (name, value) VALUES ('big', hex(zeroblob(200000)))";
        sqlx::query(insert).execute(&mut *tx).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_connection_whose_transaction_failed_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
        for _ in 0..3 {
            let error = full(&store).await;
            assert!(error.to_string().contains("full"), "{error}");
            // There is room again: nothing of it is left on any connection.
            for number in 0..16 {
                let mut tx = store.write().await.unwrap();
                setting::put(&mut tx, "number", &number.to_string()).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn whether_it_can_be_written_is_what_the_last_try_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wardkey.db");
        let store = Store::create(&path).await.unwrap();
        store.try_writing().await.unwrap();
        assert!(store.can_write());
        store.writes.note(Err(&sqlx::Error::WorkerCrashed));
        assert!(!store.can_write());
        store.write().await.unwrap().commit().await.unwrap();
        assert!(store.can_write());
    }
}
