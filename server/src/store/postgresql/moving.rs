//! A database to which a deployment is moved.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use wardkey_core::code::Code;

use super::address::Address;
use super::arriving::{is_arriving, unfit};
use super::connection::{LOCKS, SERVER, is_busy, refused};
use super::{Database, Transaction, migrations};
use crate::error::Result;
use crate::store::moved::Shape;
use crate::texts::{Phrase, Text};

impl Database {
    /// Opens one for what is moved to it, and makes its schema; also one to which a move was
    /// interrupted. What another program or version has made is left as it is.
    ///
    /// # Errors
    /// Those of [`Self::open`], and that of [`unfit`] when something else is in it.
    pub async fn open_to_fill(address: &Address) -> Result<Self> {
        let mut first = Self::connect(address).await?;
        if let Some(what) = other_schema(&mut first).await? {
            return Err(unfit(address, what));
        }
        migrations::bring_up(&mut first, address).await?;
        first.close().await?;
        Ok(Self { is_filled: true, ..Self::at(address) })
    }
}

/// What keeps the schema of this version from being made, or being it.
async fn other_schema(connection: &mut PgConnection) -> Result<Option<Phrase>> {
    let Some(found) = migrations::newest_of(connection).await? else {
        let tables: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM pg_class
                 WHERE relnamespace = current_schema()::regnamespace)
                 + (SELECT count(*) FROM pg_proc
                 WHERE pronamespace = current_schema()::regnamespace)",
        )
        .fetch_one(connection)
        .await?;
        return Ok((tables > 0).then(|| Text::MoveOtherTables.into()));
    };
    // A move that an older version began is finished by this one.
    if is_arriving(connection).await? {
        return Ok(None);
    }

    let wanted = migrations::newest();
    let says = |number: i64| Phrase::from(number.unsigned_abs());
    Ok((found != wanted)
        .then(|| Text::MoveSchema.with([("found", says(found)), ("wanted", says(wanted))])))
}

impl Transaction {
    /// Keeps servers of every machine from it until it ends. It may take its time meanwhile,
    /// whatever an administrator has said of others.
    ///
    /// # Errors
    /// [`Code::DatabaseTaken`] when a server runs over it, or another move.
    pub async fn keep_servers_out(&mut self, at: &Address) -> Result<()> {
        let patient = "SELECT set_config(name, '0', true) FROM pg_settings
             WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout',
                 'transaction_timeout')";
        sqlx::query(patient).execute(&mut *self.inner).await?;
        // One that has just ended may have it for a moment.
        self.run("SET LOCAL lock_timeout = '2s'".into()).await?;
        let held = sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(LOCKS).bind(SERVER);
        if let Err(error) = held.execute(&mut *self.inner).await {
            return Err(if is_busy(&error) {
                refused(Code::DatabaseTaken, vec![("address", at.phrase())]).caused_by(error)
            } else {
                error.into()
            });
        }
        self.run("SET LOCAL lock_timeout = '10s'".into()).await
    }

    /// Empties these tables, also those of what happened: nothing has happened in a database to
    /// which a move was interrupted.
    pub async fn empty(&mut self, tables: &[Shape]) -> Result<()> {
        let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
        for name in &names {
            self.run(format!("ALTER TABLE {name} DISABLE TRIGGER USER")).await?;
        }
        self.run(format!("TRUNCATE {}", names.join(", "))).await?;
        for name in &names {
            self.run(format!("ALTER TABLE {name} ENABLE TRIGGER USER")).await?;
        }
        Ok(())
    }

    /// Looks at what is in a table that was filled, for the plans of what reads it from now on.
    pub async fn look_over(&mut self, table: &Shape) -> Result<()> {
        self.run(format!("ANALYZE {}", quoted(&table.name))).await
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *self.inner).await?;
        Ok(())
    }
}

/// A name of the schema, as it stands in a statement.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
