//! The schema, in the steps in which it grew since the one that SQLite's had grown to. They are
//! part of the program.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use wardkey_core::code::Code;

use super::address::Address;
use super::connection::{LOCKS, SERVER, refused};
use crate::error::Result;

macro_rules! migrations {
    ($($version:literal $name:literal,)*) => {
        /// Versions, names, statements.
        const MIGRATIONS: &[(i64, &str, &str)] = &[$((
            $version,
            $name,
            include_str!(concat!("../../../migrations/postgresql/", $name, ".sql")),
        )),*];
    };
}

// A step that is in a release never changes: a store remembers the hash of each. Its number is that
// of the step of SQLite that does the same.
migrations! {
    21 "0021_initial",
    22 "0022_loan_returned",
    23 "0023_break_glass",
    24 "0024_pin_rules",
    27 "0027_administrators",
    28 "0028_web_sessions",
    29 "0029_terminal_came_by",
    30 "0030_archives",
    32 "0032_record_destinations",
    33 "0033_desk_sessions",
    35 "0035_terminal_issuer",
    36 "0036_latin_names",
    39 "0039_own_names",
}

/// Brings a store up to date; nothing of it changes under a server that runs.
///
/// # Errors
/// [`Code::DatabaseTaken`] when there are steps to take and a server runs over it;
/// [`Error::Migration`](crate::error::Error::Migration) when a newer version made it.
pub(super) async fn bring_up(connection: &mut PgConnection, at: &Address) -> Result<()> {
    if newest_of(connection).await? >= Some(newest()) {
        return Ok(migrator().run(connection).await?);
    }
    let is_free: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
        .bind(LOCKS)
        .bind(SERVER)
        .fetch_one(&mut *connection)
        .await?;
    if !is_free {
        return Err(refused(Code::DatabaseTaken, vec![("address", at.phrase())]));
    }

    // Where it fails the connection is closed, and the lock with it.
    migrator().run(&mut *connection).await?;
    sqlx::query("SELECT pg_advisory_unlock($1, $2)")
        .bind(LOCKS)
        .bind(SERVER)
        .execute(connection)
        .await?;
    Ok(())
}

/// The newest step that was taken; none in a new database.
pub(super) async fn newest_of(connection: &mut PgConnection) -> Result<Option<i64>> {
    let steps: Option<String> = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text")
        .fetch_one(&mut *connection)
        .await?;
    if steps.is_none() {
        return Ok(None);
    }
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations");
    Ok(newest.fetch_one(connection).await?)
}

/// What brings a store up to date.
pub(super) fn migrator() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

/// The statements of each step.
#[cfg(test)]
pub(super) fn steps() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|&(_, _, sql)| sql)
}

/// The number of the newest step.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|&(version, ..)| version).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_listed_under_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgresql");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> =
            MIGRATIONS.iter().map(|(_, name, _)| format!("{name}.sql")).collect();
        assert_eq!(files, listed);
        for (version, name, _) in MIGRATIONS {
            assert!(name.starts_with(&format!("{version:04}_")), "{name}");
        }
    }
}
