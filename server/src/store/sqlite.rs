//! What only SQLite knows: connections, pragmas, how a write transaction begins, and how commits of
//! other processes are noticed. No other file of the store names a type of SQLite.
//!
//! ```text
//!   readers  several connections: each transaction sees one snapshot and waits for no writer (WAL)
//!   writer   one connection: the database takes one write transaction at a time anyway
//!   watcher  one connection: PRAGMA data_version
//! ```
//! The write lock of SQLite has no queue: who asks for it tries again and again, and a server that
//! writes without pause would keep a command waiting for seconds. So whoever changes something
//! announces it by a shared lock on the folder of the database, and whoever writes records lets it
//! pass first.
//!
//! Functions return what the database said when it fails.

mod copying;
mod elsewhere;
mod in_use;
mod migrations;
mod moving;
mod on_disk;
mod opening;
mod sidecar;

pub use in_use::{BUSY, InUse, Use, no_lock};
pub use on_disk::{files_of, is_database};
pub use opening::Opening;
pub use sidecar::{SIDECARS, name_aside, with_end};

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, Sqlite, SqliteConnection, SqlitePool, TypeInfo as _,
    ValueRef as _,
};

use self::elsewhere::Elsewhere;
use super::value::Value;
use crate::error::{Error, Result};
use crate::files::folder_of;
use crate::texts::Text;

/// How often it is tried to announce a change.
const ANNOUNCED_AGAIN: u32 = 16;
/// Connections that read.
const READERS: u32 = 8;

/// Makes the file of a new database.
///
/// # Errors
/// [`Error::Refused`] when there is one already, [`Error::Io`].
pub fn create_file(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // Made here and not by SQLite, so that it is never readable by others, not even for a moment.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Error::invalid(Text::FileExists.with([("path", path.display().to_string().into())]))
        } else {
            Error::at_file(Text::Making, path)(error)
        }
    })
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    readers: SqlitePool,
    writer: SqlitePool,
    options: SqliteConnectOptions,
    folder: PathBuf,
    /// Held as long as any connection is open.
    _in_use: Option<Arc<InUse>>,
}

/// What becomes of a database whose deployment was moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// It is refused.
    Refused,
    /// It is opened, to finish that.
    Taken,
}

/// Held by whoever changes something, from before it asks for the write lock until it has ended.
#[derive(Debug)]
pub struct Announcement {
    _lock: Flock<File>,
}

impl Database {
    /// Opens it and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Store`] when it is not there or not a database, [`Error::Migration`] when a newer
    /// version made it; a refusal when its deployment was moved to another one.
    pub async fn open(path: &Path) -> Result<Self> {
        let in_use = Self::in_use(path).await?;
        Self::open_held(path, in_use.map(Arc::new), Moved::Refused).await
    }

    /// The same of one whose lock is held.
    async fn open_held(path: &Path, in_use: Option<Arc<InUse>>, moved: Moved) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON");
        let writer = pool(1).connect_with(options.clone()).await?;
        // One that is elsewhere stays as it is.
        let elsewhere = Elsewhere::of(&writer).await?;
        if moved == Moved::Refused {
            elsewhere.refuse()?;
        }
        if !elsewhere.is_there() {
            migrations::migrator().run(&writer).await?;
        }
        // Lazily: most commands write, and read in the same transaction.
        let readers = pool(READERS).connect_lazy_with(options.clone().pragma("query_only", "ON"));
        Ok(Self { readers, writer, options, folder: folder_of(path), _in_use: in_use })
    }

    /// Takes the lock of those who use it; what a restore left half done is undone first.
    async fn in_use(path: &Path) -> Result<Option<InUse>> {
        let in_use = InUse::take(path, Use::Shared).await?;
        if in_use.is_some() {
            sidecar::put_back(path).map_err(Error::at_file(Text::PuttingBack, path))?;
        }
        Ok(in_use)
    }

    /// Undoes what a restore that was killed left half done.
    ///
    /// # Errors
    /// [`Error::Io`], and those of a lock.
    pub async fn put_back(path: &Path) -> Result<()> {
        Self::in_use(path).await.map(drop)
    }

    /// A transaction that reads one unchanging state.
    pub async fn begin_read(&self) -> Result<Transaction, sqlx::Error> {
        self.readers.begin().await.map(Transaction)
    }

    /// A transaction that may write; holds the write lock at once.
    ///
    /// # Errors
    /// What the database said, also when another process holds the lock for longer than [`BUSY`].
    pub async fn begin_write(&self) -> Result<Transaction, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map(Transaction)
    }

    /// Says to other processes that a change wants to pass. Without it the change waits longer, and
    /// nothing else: a file system that has no such locks keeps nobody from writing.
    pub fn announce(&self) -> Option<Announcement> {
        let mut folder = File::open(&self.folder).ok()?;
        for _ in 0..ANNOUNCED_AGAIN {
            match Flock::lock(folder, FlockArg::LockSharedNonblock) {
                Ok(lock) => return Some(Announcement { _lock: lock }),
                // Somebody looks at this moment whether anything is announced.
                Err((given_back, _)) => folder = given_back,
            }
            std::thread::yield_now();
        }
        None
    }

    /// Whether another process wants to change something.
    pub fn is_announced(&self) -> bool {
        let Ok(folder) = File::open(&self.folder) else { return false };
        matches!(
            Flock::lock(folder, FlockArg::LockExclusiveNonblock),
            Err((_, nix::errno::Errno::EWOULDBLOCK))
        )
    }

    /// Waits until nobody else wants to change something; at most [`BUSY`].
    pub async fn let_announced_pass(&self) {
        let begun = Instant::now();
        while self.is_announced() && begun.elapsed() < BUSY {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(BUSY)
        // When the disk is full SQLite ends a transaction by itself, and sqlx goes on counting it:
        // every next one on that connection would fail. It is closed, and another one opened.
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        })
}

/// A transaction; what is not committed has not happened.
pub struct Transaction(sqlx::Transaction<'static, Sqlite>);

impl Transaction {
    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<u64, sqlx::Error> {
        let done = bound(sql, values).execute(&mut *self.0).await?;
        Ok(done.rows_affected())
    }

    /// Runs a statement and takes all its rows.
    pub async fn fetch(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let rows = bound(sql, values).fetch_all(&mut *self.0).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// What the database said; then nothing has happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }
}

fn bound(
    sql: Cow<'static, str>,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

/// A row of an answer.
pub struct Row(SqliteRow);

impl Row {
    /// The value in a column.
    ///
    /// # Errors
    /// [`sqlx::Error::ColumnNotFound`].
    pub fn value(&self, name: &str) -> Result<Value, sqlx::Error> {
        self.at(name)
    }

    /// The value in the only column.
    ///
    /// # Errors
    /// [`sqlx::Error::ColumnIndexOutOfBounds`] when there is not exactly one.
    pub fn only(&self) -> Result<Value, sqlx::Error> {
        match self.0.len() {
            1 => self.at(0),
            len => Err(sqlx::Error::ColumnIndexOutOfBounds { index: 1, len }),
        }
    }

    fn at<I: sqlx::ColumnIndex<SqliteRow> + Copy>(&self, column: I) -> Result<Value, sqlx::Error> {
        let raw = self.0.try_get_raw(column)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        Ok(match raw.type_info().name() {
            "TEXT" => Value::Text(self.0.try_get(column)?),
            "BLOB" => Value::Bytes(self.0.try_get(column)?),
            _ => Value::Integer(self.0.try_get(column)?),
        })
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
        let version: i64 =
            sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.connection).await?;
        Ok(self.version.replace(version) != Some(version))
    }

    /// Closes the connection.
    pub async fn close(self) {
        // It only ever read; there is nothing to lose.
        let _ = self.connection.close().await;
    }
}

/// Whether a database itself is at fault: it is no database of ours, or it is damaged. What may be
/// otherwise when it is tried again (a lock, a mode, a disk that does not answer) is not that.
pub fn is_damage(error: &Error) -> bool {
    match error {
        Error::Damaged(_) => true,
        Error::Store(sqlx::Error::Database(error)) => {
            let code = code_of(error.as_ref());
            // SQLITE_ERROR (no such table), _CORRUPT, _NOTADB; a file that ends too early.
            code.is_some_and(|code| matches!(code & 0xff, 1 | 11 | 26) || code == 522)
        }
        Error::Store(error) => matches!(
            error,
            sqlx::Error::RowNotFound
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::TypeNotFound { .. }
        ),
        _ => false,
    }
}

/// Whether somebody else holds the write lock (SQLITE_BUSY, whatever its extension says).
pub fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    code_of(error.as_ref()).is_some_and(|code| code & 0xff == 5)
}

/// SQLite's own code; those of another database have other meanings.
fn code_of(error: &dyn DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<SqliteError>()?.code()?.parse().ok()
}

/// Bytes of a database with its log; nothing where there is none.
pub fn bytes(path: &Path) -> u64 {
    let length = |file: &PathBuf| file.metadata().map_or(0, |meta| meta.len());
    files_of(path).iter().map(length).sum()
}
