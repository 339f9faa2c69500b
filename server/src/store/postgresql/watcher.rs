//! Commits of others, as PostgreSQL tells of them. A notice says only that something happened: what
//! it was is read from the tables. Whoever was away meanwhile reads all the same.
//!
//! The connection also holds the lock of the one server that runs over the database. When it is
//! lost the lock is asked for again; a server that does not get it signs nothing any more.

use std::time::Duration;

use sqlx::Acquire as _;
use sqlx::postgres::{PgListener, PgPool};
use wardkey_core::code::Code;

use super::address::Address;
use super::arriving;
use super::connection::{CHANNEL, LOCKS, SERVER, is_busy, pool, refused};
use crate::error::{Error, Result};

/// Notices commits of other connections and processes.
pub struct Watcher {
    address: Address,
    pool: PgPool,
    /// None when the connection was lost.
    listener: Option<PgListener>,
    /// Whether something may have happened that no notice says.
    was_away: bool,
}

impl Watcher {
    /// Begins to listen, as the one server.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Code::DatabaseTaken`] when another server has the database, and goes on
    /// having it.
    pub(super) async fn new(address: &Address) -> Result<Self> {
        let pool = pool(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.connect_lazy_with(address.options());
        let address = address.clone();
        let mut watcher = Self { address, pool, listener: None, was_away: true };
        watcher.listen().await?;
        Ok(watcher)
    }

    async fn listen(&mut self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.eager_reconnect(false);
        let held = sqlx::query("SELECT pg_advisory_lock($1, $2)").bind(LOCKS).bind(SERVER);
        if let Err(error) = held.execute(&mut listener).await {
            return Err(if is_busy(&error) {
                let address = self.address.phrase();
                refused(Code::DatabaseTaken, vec![("address", address)]).caused_by(error)
            } else {
                Error::Store(error)
            });
        }
        // A move that was begun since it was opened has ended, or was killed.
        let connection = (&mut listener).acquire().await?;
        if let Err(refused) = arriving::refuse_arriving(connection, &self.address).await {
            // Whoever moves it needs the lock, which outlives the listener.
            let free = sqlx::query("SELECT pg_advisory_unlock($1, $2)").bind(LOCKS).bind(SERVER);
            free.execute(&mut listener).await?;
            return Err(refused);
        }
        listener.listen(CHANNEL).await?;
        self.listener = Some(listener);
        self.was_away = true;
        Ok(())
    }

    /// Whether anything was committed since the last call; the first call says yes.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Code::DatabaseTaken`] when another server has taken the database while
    /// the connection was lost.
    pub async fn changed(&mut self) -> Result<bool> {
        if self.listener.is_none() {
            self.listen().await?;
        }
        while let Some(listener) = &mut self.listener {
            // What has come is there at once, and nothing else is waited for.
            match tokio::time::timeout(Duration::ZERO, listener.try_recv()).await {
                Err(_) => break,
                Ok(Ok(Some(_))) => self.was_away = true,
                Ok(Ok(None)) => {
                    self.listener = None;
                    self.listen().await?;
                }
                Ok(Err(error)) => {
                    self.listener = None;
                    return Err(error.into());
                }
            }
        }
        Ok(std::mem::take(&mut self.was_away))
    }

    /// Closes the connection, and with it gives up the lock.
    pub async fn close(self) {
        drop(self.listener);
        self.pool.close().await;
    }
}
