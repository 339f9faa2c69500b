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
mod import_file;
pub mod intake;
pub mod person;
pub mod scope;
pub mod setting;
pub mod state;
pub mod terminal;
pub mod token;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};

/// A transaction.
pub type Tx = Transaction<'static, Sqlite>;

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    options: SqliteConnectOptions,
    path: PathBuf,
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
        let pool =
            SqlitePoolOptions::new().max_connections(8).acquire_timeout(BUSY).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool, options, path: path.to_owned() })
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
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A transaction that reads one unchanging state.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn read(&self) -> Result<Tx> {
        Ok(self.pool.begin().await?)
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
