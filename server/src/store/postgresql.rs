//! What only PostgreSQL knows: connections, settings, how writers take turns, and how commits of
//! other processes are noticed. No other file of the store names a type of PostgreSQL.
//!
//! ```text
//!   readers  several connections: each transaction sees one snapshot and waits for no writer
//!   writer   one connection: takes the advisory lock of all writers, then changes something
//!   watcher  one connection: LISTEN, and the lock of the one server that runs
//! ```
//! Writers of all processes and machines take turns by one advisory lock, as those of SQLite do by
//! the lock of the file: numbers have no gaps, and who reads in their order misses none. Those who
//! wait for it stand in a queue, so that nobody has to announce a change.
//!
//! Functions return what the database said when it fails.

mod address;
mod arriving;
mod connection;
mod migrations;
mod moving;
#[cfg(test)]
mod same_schema;
#[cfg(test)]
mod tests;
mod watcher;

pub use address::{Address, Wrong};
pub use arriving::unfit;
pub use connection::is_busy;
pub use watcher::Watcher;

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnection, PgPool, PgRow, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Encode, Postgres, Row as _, Type,
    TypeInfo as _, ValueRef as _,
};
use wardkey_core::code::Code;

use super::value::Value;
use crate::error::{Error, Result};
use crate::texts::Text;
use connection::{CHANNEL, LOCKS, WRITER, pool, refused};

/// Connections that read.
const READERS: u32 = 8;
/// The oldest version that is tried.
const OLDEST: i32 = 150_000;

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    readers: PgPool,
    writer: PgPool,
    address: Address,
    /// Whether a deployment is moved to it: then it may say that this is not finished.
    is_filled: bool,
}

impl Database {
    /// Opens it and brings its schema up to date.
    ///
    /// # Errors
    /// [`Code::DatabaseUnreachable`], [`Code::DatabaseUnfit`]; [`Error::Migration`] when a newer
    /// version made it; [`Code::MoveUnfinished`] when a move to it was interrupted;
    /// [`Code::DatabaseTaken`] when it is to be brought up to date and a server runs over it.
    pub async fn open(address: &Address) -> Result<Self> {
        let mut first = Self::connect(address).await?;
        // One that is not finished stays as it is.
        arriving::refuse_arriving(&mut first, address).await?;
        migrations::bring_up(&mut first, address).await?;
        first.close().await?;
        Ok(Self::at(address))
    }

    /// The first connection, to one that keeps what it says that it keeps.
    async fn connect(address: &Address) -> Result<PgConnection> {
        // Not of a pool, which would ask again and again, and not say why.
        let first = address.options().connect().await;
        let mut first = first.map_err(|error| unreachable(address, error))?;
        look_at(&mut first, address).await?;
        Ok(first)
    }

    fn at(address: &Address) -> Self {
        let options = address.options();
        // Lazily: most commands write, and read in the same transaction.
        let writer = pool(1).connect_lazy_with(options.clone());
        let readers = pool(READERS).connect_lazy_with(options);
        Self { readers, writer, address: address.clone(), is_filled: false }
    }

    /// A transaction that reads one unchanging state.
    pub async fn begin_read(&self) -> Result<Transaction, sqlx::Error> {
        let begun = self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        Ok(Transaction { inner: begun.await?, has_failed: false })
    }

    /// A transaction that may write; holds the write lock at once.
    ///
    /// # Errors
    /// What the database said, also when another process holds the lock for longer than ten
    /// seconds.
    pub async fn begin_write(&self) -> Result<Transaction, sqlx::Error> {
        // Each statement sees what was committed before it: the state of the first one is that of
        // before the lock.
        let mut inner = self.writer.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1, $2), pg_notify($3, '')")
            .bind(LOCKS)
            .bind(WRITER)
            .bind(CHANNEL)
            .execute(&mut *inner)
            .await?;
        // Whoever opened it before a deployment was moved to it writes nothing into that.
        if !self.is_filled && arriving::says_arriving(&mut inner).await? {
            let refused = arriving::unfinished(&self.address);
            return Err(sqlx::Error::Configuration(Box::new(refused)));
        }
        Ok(Transaction { inner, has_failed: false })
    }

    /// A connection of its own that notices what others commit.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Code::DatabaseTaken`] when another server has it.
    pub async fn watcher(&self) -> Result<Watcher> {
        Watcher::new(&self.address).await
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Refuses what would not keep what it says that it keeps.
async fn look_at(connection: &mut PgConnection, address: &Address) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int4 AS version,
             current_setting('server_version') AS shown,
             current_setting('server_encoding') AS encoding,
             current_setting('synchronous_commit') AS commits, pg_is_in_recovery() AS is_standby",
    )
    .fetch_one(connection)
    .await?;
    let encoding: String = row.try_get("encoding")?;
    let shown: String = row.try_get("shown")?;
    let wrong = if row.try_get::<i32, _>("version")? < OLDEST {
        Text::DatabaseVersion.with([("version", shown.into())])
    } else if encoding != "UTF8" {
        Text::DatabaseEncoding.with([("encoding", encoding.into())])
    } else if row.try_get::<String, _>("commits")? == "off" {
        Text::DatabaseCommits.into()
    } else if row.try_get("is_standby")? {
        Text::DatabaseStandby.into()
    } else {
        return Ok(());
    };
    Err(refused(Code::DatabaseUnfit, vec![("address", address.phrase()), ("what", wrong)]))
}

fn unreachable(address: &Address, error: sqlx::Error) -> Error {
    let why = error.to_string().into();
    refused(Code::DatabaseUnreachable, vec![("address", address.phrase()), ("why", why)])
        .caused_by(error)
}

/// The refusal of what is PostgreSQL's own work.
pub fn by_its_own_tools() -> Error {
    refused(Code::DatabaseByItsTools, vec![])
}

/// A transaction; what is not committed has not happened.
pub struct Transaction {
    inner: sqlx::Transaction<'static, Postgres>,
    /// Whether a statement failed since the last savepoint: then COMMIT undoes all of it, and calls
    /// that a success.
    has_failed: bool,
}

impl Transaction {
    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<u64, sqlx::Error> {
        let comes_back = sql.starts_with("ROLLBACK TO");
        let done = bound(sql, values).execute(&mut *self.inner).await;
        self.has_failed = done.is_err() || self.has_failed && !comes_back;
        Ok(done?.rows_affected())
    }

    /// Runs a statement and takes all its rows.
    pub async fn fetch(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let rows = bound(sql, values).fetch_all(&mut *self.inner).await;
        self.has_failed |= rows.is_err();
        Ok(rows?.into_iter().map(Row).collect())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// What the database said, also of a statement before; then nothing has happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        if self.has_failed {
            let why = "a statement of the transaction failed, so nothing of it is kept";
            return Err(sqlx::Error::Protocol(why.into()));
        }
        self.inner.commit().await
    }

    /// How many bytes the database takes.
    pub async fn bytes(&mut self) -> Result<u64> {
        let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
            .fetch_one(&mut *self.inner)
            .await?;
        Ok(bytes.unsigned_abs())
    }
}

/// No value, of the type that its place has.
struct Nothing;

impl Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        // None is given: PostgreSQL finds it.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn bound(
    sql: Cow<'static, str>,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = match value {
            Value::Null => query.bind(Nothing),
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

/// A row of an answer.
pub struct Row(PgRow);

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

    fn at<I: sqlx::ColumnIndex<PgRow> + Copy>(&self, column: I) -> Result<Value, sqlx::Error> {
        let raw = self.0.try_get_raw(column)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        Ok(match raw.type_info().name() {
            "TEXT" => Value::Text(self.0.try_get(column)?),
            "BYTEA" => Value::Bytes(self.0.try_get(column)?),
            // INT4 also, of lengths; what is no number does not decode as one.
            "INT4" => Value::Integer(self.0.try_get::<i32, _>(column)?.into()),
            _ => Value::Integer(self.0.try_get(column)?),
        })
    }
}
