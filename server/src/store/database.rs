//! Which database is behind the store: chosen here, once, when it is opened. What each of them
//! knows is its own file.

use std::borrow::Cow;
use std::path::Path;

use super::moved::Shape;
use super::place::Place;
use super::postgresql::Address;
use super::value::Value;
use super::{postgresql, sqlite};
use crate::error::Result;

/// An open database.
#[derive(Clone, Debug)]
pub enum Database {
    /// In a file, within this program.
    File(sqlite::Database),
    /// In a server of its own.
    Server(postgresql::Database),
}

impl Database {
    /// Opens it and brings its schema up to date.
    pub async fn open(place: &Place) -> Result<Self> {
        Ok(match &place.server {
            None => Self::File(sqlite::Database::open(&place.path).await?),
            Some(address) => Self::Server(postgresql::Database::open(address).await?),
        })
    }

    /// Opens a file while nobody else can, to move what is in it elsewhere.
    pub async fn open_to_move(path: &Path) -> Result<Self> {
        Ok(Self::File(sqlite::Database::open_alone(path).await?))
    }

    /// Opens an empty database of PostgreSQL, or one to which a move was interrupted.
    pub async fn open_to_fill(address: &Address) -> Result<Self> {
        Ok(Self::Server(postgresql::Database::open_to_fill(address).await?))
    }

    /// A transaction that reads one unchanging state.
    pub async fn begin_read(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::File(database) => Transaction::File(database.begin_read().await?),
            Self::Server(database) => Transaction::Server(database.begin_read().await?),
        })
    }

    /// A transaction that may write; holds the write lock at once.
    pub async fn begin_write(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::File(database) => Transaction::File(database.begin_write().await?),
            Self::Server(database) => Transaction::Server(database.begin_write().await?),
        })
    }

    /// Says to other processes that a change wants to pass, where their lock has no queue.
    pub fn announce(&self) -> Option<sqlite::Announcement> {
        match self {
            Self::File(database) => database.announce(),
            Self::Server(_) => None,
        }
    }

    /// Whether another process has said so.
    pub fn is_announced(&self) -> bool {
        match self {
            Self::File(database) => database.is_announced(),
            Self::Server(_) => false,
        }
    }

    /// Waits until none of them wants to change something.
    pub async fn let_announced_pass(&self) {
        match self {
            Self::File(database) => database.let_announced_pass().await,
            Self::Server(_) => {}
        }
    }

    /// A connection of its own that notices what others commit.
    pub async fn watcher(&self) -> Result<Watcher> {
        Ok(match self {
            Self::File(database) => Watcher::File(database.watcher().await?),
            Self::Server(database) => Watcher::Server(database.watcher().await?),
        })
    }

    /// Writes one state of it into an empty file.
    ///
    /// # Errors
    /// The refusal of what PostgreSQL's own tools do.
    pub async fn copy_into(&self, to: &Path) -> Result<()> {
        match self {
            Self::File(database) => database.copy_into(to).await,
            Self::Server(_) => Err(postgresql::by_its_own_tools()),
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match self {
            Self::File(database) => database.close().await,
            Self::Server(database) => database.close().await,
        }
    }
}

/// A transaction; what is not committed has not happened.
pub enum Transaction {
    /// In a file.
    File(sqlite::Transaction),
    /// In a server.
    Server(postgresql::Transaction),
}

impl Transaction {
    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<u64, sqlx::Error> {
        match self {
            Self::File(transaction) => transaction.execute(sql, values).await,
            Self::Server(transaction) => transaction.execute(sql, values).await,
        }
    }

    /// Runs a statement and takes all its rows.
    pub async fn fetch(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match self {
            Self::File(transaction) => {
                transaction.fetch(sql, values).await?.into_iter().map(Row::File).collect()
            }
            Self::Server(transaction) => {
                transaction.fetch(sql, values).await?.into_iter().map(Row::Server).collect()
            }
        })
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// What the database said; then nothing has happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::File(transaction) => transaction.commit().await,
            Self::Server(transaction) => transaction.commit().await,
        }
    }

    /// The first thing that is wrong with pages, indexes or references between rows.
    ///
    /// # Errors
    /// What the database said; the refusal of what PostgreSQL's own tools do.
    pub async fn fault(&mut self) -> Result<Option<String>> {
        match self {
            Self::File(transaction) => transaction.fault().await,
            Self::Server(_) => Err(postgresql::by_its_own_tools()),
        }
    }

    /// Every table of a file.
    ///
    /// # Errors
    /// What the database said; the refusal of what PostgreSQL's own tools do.
    pub async fn shapes(&mut self) -> Result<Vec<Shape>> {
        match self {
            Self::File(transaction) => transaction.shapes().await,
            Self::Server(_) => Err(postgresql::by_its_own_tools()),
        }
    }

    /// Keeps servers from a database of PostgreSQL while it is filled; a file is never.
    pub async fn keep_servers_out(&mut self, at: &Address) -> Result<()> {
        match self {
            Self::File(_) => Ok(()),
            Self::Server(transaction) => transaction.keep_servers_out(at).await,
        }
    }

    /// Empties a database to which a move was interrupted; a file is never one.
    pub async fn empty(&mut self, tables: &[Shape]) -> Result<()> {
        match self {
            Self::File(_) => Ok(()),
            Self::Server(transaction) => transaction.empty(tables).await,
        }
    }

    /// Says that a table was filled.
    pub async fn look_over(&mut self, table: &Shape) -> Result<()> {
        match self {
            Self::File(_) => Ok(()),
            Self::Server(transaction) => transaction.look_over(table).await,
        }
    }

    /// How many bytes it takes; `path` is the file of the store.
    pub async fn bytes(&mut self, path: &Path) -> Result<u64> {
        match self {
            Self::File(_) => Ok(sqlite::bytes(path)),
            Self::Server(transaction) => transaction.bytes().await,
        }
    }
}

/// A row of an answer.
pub enum Row {
    /// Of a file.
    File(sqlite::Row),
    /// Of a server.
    Server(postgresql::Row),
}

impl Row {
    /// The value in a column.
    pub fn value(&self, name: &str) -> Result<Value, sqlx::Error> {
        match self {
            Self::File(row) => row.value(name),
            Self::Server(row) => row.value(name),
        }
    }

    /// The value in the only column.
    pub fn only(&self) -> Result<Value, sqlx::Error> {
        match self {
            Self::File(row) => row.only(),
            Self::Server(row) => row.only(),
        }
    }
}

/// Notices commits of other connections and processes.
pub enum Watcher {
    /// To a file.
    File(sqlite::Watcher),
    /// To a server.
    Server(postgresql::Watcher),
}

impl Watcher {
    /// Whether anything was committed since the last call; the first call says yes.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store), and the refusal of a database over which
    /// another server runs.
    pub async fn changed(&mut self) -> Result<bool> {
        match self {
            Self::File(watcher) => watcher.changed().await,
            Self::Server(watcher) => watcher.changed().await,
        }
    }

    /// Closes the connection.
    pub async fn close(self) {
        match self {
            Self::File(watcher) => watcher.close().await,
            Self::Server(watcher) => watcher.close().await,
        }
    }
}

/// Whether somebody else holds the write lock.
pub fn is_busy(error: &sqlx::Error) -> bool {
    sqlite::is_busy(error) || postgresql::is_busy(error)
}
