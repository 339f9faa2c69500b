//! The open store, and its transactions.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::query::{Db, Query, query};
use super::sqlite::{self, Announcement, BUSY, Database, Watcher};
use super::together::Together;
use super::turns::{Turn, Turns, Urgency};
use crate::error::Result;

/// A transaction. What is not committed has not happened.
pub struct Tx {
    db: Db,
    /// None for one that only reads. Dropped after the transaction.
    writing: Option<Writing>,
}

/// What a transaction that writes holds.
struct Writing {
    /// Told how a commit ended.
    writes: Arc<Writes>,
    _announced: Option<Announcement>,
    _turn: Turn,
}

impl Tx {
    /// Makes everything durable.
    ///
    /// # Errors
    /// What the database said; then nothing has happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        let done = self.db.driver.commit().await;
        if let Some(writing) = self.writing {
            writing.writes.note(done.as_ref());
        }
        done
    }

    /// Runs a statement of which nothing is asked.
    pub(super) async fn run(&mut self, query: Query) -> Result<(), sqlx::Error> {
        let (sql, values) = query.into_parts();
        self.db.driver.execute(sql, values).await.map(drop)
    }
}

impl Deref for Tx {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Db {
        &mut self.db
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
            Err(error) if sqlite::is_busy(error) => return,
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

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    path: PathBuf,
    writes: Arc<Writes>,
    turns: Arc<Turns>,
    together: Arc<Together>,
}

impl Store {
    /// Makes a new store.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Migration`]; [`Error::Refused`] when there is one already.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::Migration`]: crate::error::Error::Migration
    /// [`Error::Refused`]: crate::error::Error::Refused
    pub async fn create(path: &Path) -> Result<Self> {
        sqlite::create_file(path)?;
        Self::open(path).await
    }

    /// Opens a store and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Store`] when it is not there or not a database, [`Error::Migration`] when a newer
    /// version made it.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::Migration`]: crate::error::Error::Migration
    pub async fn open(path: &Path) -> Result<Self> {
        let database = Database::open(path).await?;
        Ok(Self {
            database,
            path: path.to_owned(),
            writes: Arc::new(Writes(AtomicBool::new(true))),
            turns: Arc::default(),
            together: Arc::default(),
        })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A transaction that may write; holds the write lock at once. It passes in front of the records that
    /// wait, here and in other processes.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`], also when somebody else holds the lock for longer than ten
    /// seconds.
    pub async fn write(&self) -> Result<Tx> {
        Ok(self.begin(Urgency::Change).await?)
    }

    /// A transaction that may write, in its turn.
    pub(super) async fn begin(&self, urgency: Urgency) -> Result<Tx, sqlx::Error> {
        let turn = tokio::time::timeout(BUSY, self.turns.take(urgency)).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let announced = match urgency {
            Urgency::Change => self.database.announce(),
            Urgency::Record => {
                self.database.let_announced_pass().await;
                None
            }
        };
        let driver = self.database.begin_write().await?;
        let writing = Writing { writes: Arc::clone(&self.writes), _announced: announced, _turn: turn };
        Ok(Tx { db: Db { driver }, writing: Some(writing) })
    }

    /// Whether a change waits for a transaction that is open now, here or in another process.
    pub(super) fn a_change_waits(&self) -> bool {
        self.turns.a_change_waits() || self.database.is_announced()
    }

    /// The queue of work that shares transactions.
    pub(super) fn together_queue(&self) -> &Together {
        &self.together
    }

    /// A transaction that reads one unchanging state.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`].
    pub async fn read(&self) -> Result<Tx> {
        let driver = self.database.begin_read().await?;
        Ok(Tx { db: Db { driver }, writing: None })
    }

    /// Whether the store could be written when that was tried last; [`Self::try_writing`] is never
    /// long ago.
    pub fn can_write(&self) -> bool {
        self.writes.0.load(Ordering::SeqCst)
    }

    /// Writes what changes nothing, so that a full or lost disk shows before a record is refused.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`].
    pub async fn try_writing(&self) -> Result<()> {
        let tried = async {
            let mut tx = self.begin(Urgency::Record).await?;
            tx.run(query("UPDATE counter SET value = value WHERE name = 'terminal'")).await?;
            // Its own note is the one below.
            tx.db.driver.commit().await
        };
        let done = tried.await;
        self.writes.note(done.as_ref());
        Ok(done?)
    }

    /// A connection of its own that notices what others commit.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`].
    pub async fn watcher(&self) -> Result<Watcher> {
        self.database.watcher().await
    }

    /// Closes every connection.
    pub async fn close(self) {
        self.database.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::setting;

    async fn full(store: &Store) -> crate::error::Error {
        let mut tx = store.write().await.unwrap();
        // This connection may use no more pages than there are: as on a full disk.
        query("PRAGMA max_page_count = 1").execute(&mut tx).await.unwrap();
        let insert = "INSERT INTO setting (name, value) VALUES ('big', hex(zeroblob(200000)))";
        query(insert).execute(&mut tx).await.unwrap_err()
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

    #[tokio::test]
    async fn a_transaction_that_reads_waits_for_no_writer_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
        let mut writing = store.write().await.unwrap();
        setting::put(&mut writing, "a", "1").await.unwrap();
        let mut reading = store.read().await.unwrap();
        assert_eq!(setting::find(&mut reading, "a").await.unwrap(), None);
        assert!(setting::put(&mut reading, "a", "2").await.is_err());
        writing.commit().await.unwrap();
        assert_eq!(setting::find(&mut store.read().await.unwrap(), "a").await.unwrap().as_deref(), Some("1"));
    }
}
