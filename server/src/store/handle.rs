//! The open store.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::database::{Database, Watcher};
use super::place::Place;
use super::postgresql::Address;
use super::setting;
use super::sqlite::{self, Opening};
use super::together::{Doing, Together};
use super::turns::Urgency;
use super::writer::{Tx, Writer};
use crate::error::{Error, Result};

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    path: PathBuf,
    pub(super) writer: Writer,
    together: Together,
}

impl Store {
    /// Makes a new store. A database of PostgreSQL has to be there, and be empty or as this left
    /// it.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Migration`]; [`Error::Refused`] when there is one already.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::Migration`]: crate::error::Error::Migration
    /// [`Error::Refused`]: crate::error::Error::Refused
    pub async fn create(place: impl Into<Place>) -> Result<Self> {
        let place = place.into();
        place.create_file()?;
        Self::open_new(place).await
    }

    /// Opens a store whose [file was made](Place::create_file).
    ///
    /// # Errors
    /// Those of [`Self::open`]; [`Code::DatabaseHasOne`] where a deployment is in the database.
    pub async fn open_new(place: Place) -> Result<Self> {
        let server = place.server.clone();
        let store = Self::open(place).await?;
        let Some(server) = server else { return Ok(store) };
        if setting::root_version(&mut *store.read().await?).await? == 0 {
            return Ok(store);
        }
        store.close().await;
        let args = vec![("address", server.phrase())];
        Err(Error::refused(Code::DatabaseHasOne, texts::phrase(Code::DatabaseHasOne, args)))
    }

    /// Opens a store and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Store`] when it is not there or not a database, [`Error::Migration`] when a newer
    /// version made it.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::Migration`]: crate::error::Error::Migration
    pub async fn open(place: impl Into<Place>) -> Result<Self> {
        let place = place.into();
        let database = Database::open(&place).await?;
        Ok(Self::of(database, place.path))
    }

    /// Opens a store while nobody else can, to move it elsewhere; also one that was moved.
    ///
    /// # Errors
    /// Those of [`Self::open`]; [`Code::RestoreDisturbed`] when somebody has it open.
    pub async fn open_to_move(path: &Path) -> Result<Self> {
        Ok(Self::of(Database::open_to_move(path).await?, path.to_owned()))
    }

    /// Opens a database of PostgreSQL for a store that is moved to it.
    ///
    /// # Errors
    /// Those of [`Self::open`]; [`Code::MoveTarget`] when it is of something else.
    pub async fn open_to_fill(path: &Path, address: &Address) -> Result<Self> {
        Ok(Self::of(Database::open_to_fill(address).await?, path.to_owned()))
    }

    fn of(database: Database, path: PathBuf) -> Self {
        let writer = Writer::new(database.clone());
        let together = Together::new(writer.clone());
        Self { database, path, writer, together }
    }

    /// Opens a store to read it as it is: nothing of it is changed, its schema neither.
    ///
    /// # Errors
    /// [`Error::Store`] when it is not there or not a database.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    pub async fn open_as_it_is(path: &Path, opening: Opening) -> Result<Self> {
        let database = sqlite::Database::open_as_it_is(path, opening).await?;
        Ok(Self::of(Database::File(database), path.to_owned()))
    }

    /// Undoes what a restore that was killed left half done at a place.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io), and the refusals of a lock.
    pub async fn put_back(path: &Path) -> Result<()> {
        sqlite::Database::put_back(path).await
    }

    /// Writes one state of it into an empty file, while others go on writing.
    ///
    /// # Errors
    /// [`Error::Store`], also when the disk takes no more.
    ///
    /// [`Error::Store`]: crate::error::Error::Store
    pub async fn copy_into(&self, to: &Path) -> Result<()> {
        self.database.copy_into(to).await
    }

    /// The newest schema that this program knows.
    pub fn newest_schema() -> i64 {
        sqlite::Database::newest_schema()
    }

    /// Its file; with PostgreSQL the one beside which lies what belongs to it on this machine.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A transaction that may write; holds the write lock at once. It passes in front of the
    /// records that wait, here and in other processes.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`], also when somebody else holds the lock for longer than ten
    /// seconds.
    pub async fn write(&self) -> Result<Tx> {
        self.writer.begin(Urgency::Change).await.map_err(begun)
    }

    /// A transaction that may write, behind all changes and in its turn with records: for much work
    /// that nobody waits for, in small parts.
    ///
    /// # Errors
    /// As of [`Self::write`].
    pub async fn write_behind(&self) -> Result<Tx> {
        self.writer.begin(Urgency::Record).await.map_err(begun)
    }

    /// Does this work in a transaction that it may share with other work, and answers when that is
    /// durable. For records, of which there are many: changes pass in front of them. The work has
    /// no connection while it waits, and goes on when nobody waits for it any more.
    ///
    /// # Errors
    /// What the work returns, then it has changed nothing; [`Error::Store`] when it could not be
    /// made durable.
    pub async fn together<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Tx) -> Doing<'a, T> + Send + 'static,
    {
        self.together.share(work).await
    }

    /// Pieces of work that wait to be done [together](Self::together).
    pub fn waiting(&self) -> usize {
        self.together.waiting()
    }

    /// A transaction that reads one unchanging state.
    pub async fn read(&self) -> Result<Tx> {
        self.writer.read().await
    }

    /// Whether the store could be written when that was tried last; [`Self::try_writing`] is never
    /// long ago.
    pub fn can_write(&self) -> bool {
        self.writer.can_write()
    }

    /// Writes what changes nothing, so that a full or lost disk shows before a record is refused.
    pub async fn try_writing(&self) -> Result<()> {
        self.writer.try_writing().await
    }

    /// A connection of its own that notices what others commit.
    pub async fn watcher(&self) -> Result<Watcher> {
        self.database.watcher().await
    }

    /// Closes every connection.
    pub async fn close(self) {
        self.database.close().await;
    }
}

/// Why nothing could be begun: what was refused by us, or what the database said.
fn begun(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(inner) => match inner.downcast::<Error>() {
            Ok(refused) => *refused,
            Err(inner) => sqlx::Error::Configuration(inner).into(),
        },
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::query;
    use crate::store::testing::{Home, new_store};

    async fn full(store: &Store) -> crate::error::Error {
        let mut tx = store.write().await.unwrap();
        // This connection may use no more pages than there are: as on a full disk.
        query("PRAGMA max_page_count = 1").execute(&mut tx).await.unwrap();
        let insert = "INSERT INTO setting (name, value) VALUES ('big', hex(zeroblob(200000)))";
        query(insert).execute(&mut tx).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_connection_whose_transaction_failed_is_not_used_again() {
        let home = Home::of_a_file();
        let store = home.store().await;
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
    async fn a_transaction_that_reads_waits_for_no_writer_and_writes_nothing() {
        let (_home, store) = new_store().await;
        let mut writing = store.write().await.unwrap();
        setting::put(&mut writing, "a", "1").await.unwrap();
        let mut reading = store.read().await.unwrap();
        assert_eq!(setting::find(&mut reading, "a").await.unwrap(), None);
        assert!(setting::put(&mut reading, "a", "2").await.is_err());
        writing.commit().await.unwrap();
        assert_eq!(
            setting::find(&mut store.read().await.unwrap(), "a").await.unwrap().as_deref(),
            Some("1")
        );
    }
}
