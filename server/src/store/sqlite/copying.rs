//! Whole databases: copied while others write, and read without changing them.
//!
//! Copied by `VACUUM INTO`: one transaction that reads one state, from the first page to the last,
//! and waits for nobody. SQLite's other way (`sqlite3_backup`) begins anew whenever another process
//! has committed, so it never ends where records come without pause.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::opening::Opening;
use super::{BUSY, Database, READERS, Transaction, migrations, pool};
use crate::error::Result;
use crate::files::folder_of;

impl Database {
    /// Opens it to read it as it is.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) when it is not there or not a database.
    pub async fn open_as_it_is(path: &Path, opening: Opening) -> Result<Self> {
        let in_use = match opening {
            Opening::WithLog => Self::in_use(path).await?,
            Opening::Copy | Opening::Alone => None,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("query_only", "ON");
        let options = match opening {
            Opening::Copy => options.read_only(true).immutable(true),
            Opening::WithLog | Opening::Alone => options.read_only(true),
        };
        let readers = pool(READERS).connect_with(options.clone()).await?;
        let writer = pool(1).connect_lazy_with(options.clone());
        let in_use = in_use.map(Arc::new);
        Ok(Self { readers, writer, options, folder: folder_of(path), _in_use: in_use })
    }

    /// Writes one state of it into an empty file.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store).
    pub async fn copy_into(&self, to: &Path) -> Result<()> {
        let mut connection = self.options.connect().await?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(to.to_string_lossy().into_owned())
            .execute(&mut connection)
            .await;
        connection.close().await?;
        copied?;
        Ok(())
    }

    /// The newest schema that this program knows.
    pub fn newest_schema() -> i64 {
        migrations::newest()
    }
}

impl Transaction {
    /// The first thing that is wrong with pages, indexes or references between rows.
    pub async fn fault(&mut self) -> Result<Option<String>> {
        let said: String =
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *self.0).await?;
        if said != "ok" {
            return Ok(Some(said));
        }
        let broken: Option<String> =
            sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check() LIMIT 1")
                .fetch_optional(&mut *self.0)
                .await?;
        Ok(broken.map(|table| format!("a reference of table {table}")))
    }
}

impl Database {
    /// Folds the log of a database into it. Its schema stays as it is.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store).
    pub async fn fold_in(path: &Path) -> Result<()> {
        let options =
            SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY);
        let mut connection = options.connect().await?;
        let folded =
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map(drop);
        // The last one that closes it removes the log.
        connection.close().await?;
        Ok(folded?)
    }
}
