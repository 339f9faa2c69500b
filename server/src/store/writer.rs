//! Transactions, and who opens one that writes: in turns, one at a time.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::database::{self, Database};
use super::query::{Db, Query, query};
use super::sqlite::{Announcement, BUSY};
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
            Err(error) if database::is_busy(error) => return,
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

/// What transactions are opened with.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    database: Database,
    writes: Arc<Writes>,
    turns: Arc<Turns>,
}

impl Writer {
    /// Of this database.
    pub(super) fn new(database: Database) -> Self {
        Self { database, writes: Arc::new(Writes(AtomicBool::new(true))), turns: Arc::default() }
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
        let writing =
            Writing { writes: Arc::clone(&self.writes), _announced: announced, _turn: turn };
        Ok(Tx { db: Db { driver }, writing: Some(writing) })
    }

    /// Whether a change waits for a transaction that is open now, here or in another process.
    pub(super) fn a_change_waits(&self) -> bool {
        self.turns.a_change_waits() || self.database.is_announced()
    }

    /// A transaction that reads one unchanging state.
    pub(super) async fn read(&self) -> Result<Tx> {
        let driver = self.database.begin_read().await?;
        Ok(Tx { db: Db { driver }, writing: None })
    }

    /// Whether the store could be written when that was tried last.
    pub(super) fn can_write(&self) -> bool {
        self.writes.0.load(Ordering::SeqCst)
    }

    /// Writes what changes nothing, and notes whether it could.
    pub(super) async fn try_writing(&self) -> Result<()> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Home;

    #[tokio::test]
    async fn whether_it_can_be_written_is_what_the_last_try_said() {
        let home = Home::new();
        home.place().create_file().unwrap();
        let writer = Writer::new(Database::open(&home.place()).await.unwrap());
        writer.try_writing().await.unwrap();
        assert!(writer.can_write());
        writer.writes.note(Err(&sqlx::Error::WorkerCrashed));
        assert!(!writer.can_write());
        writer.begin(Urgency::Change).await.unwrap().commit().await.unwrap();
        assert!(writer.can_write());
    }
}
