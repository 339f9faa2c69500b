//! The schema, in the steps in which it grew. They are part of the program.
//!
//! Listed here and not by sqlx's `migrate!`: for that one macro sqlx and a second SQLite would be
//! built for the compiler.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

macro_rules! migrations {
    ($($version:literal $name:literal,)*) => {
        /// Versions, names, statements.
        const MIGRATIONS: &[(i64, &str, &str)] = &[$((
            $version,
            $name,
            include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
        )),*];
    };
}

// A step that is in a release never changes: a store remembers the hash of each.
migrations! {
    1 "0001_initial",
    2 "0002_clock_replacement_quota",
    3 "0003_event_set_aside",
    4 "0004_indexes",
    5 "0005_names",
    6 "0006_changed_scopes",
    7 "0007_terminal_programs",
    8 "0008_enrollment",
    9 "0009_passes",
    10 "0010_restored",
    11 "0011_event_log",
    12 "0012_watch",
    13 "0013_suspicions",
    16 "0016_log_mark",
    17 "0017_reports",
    18 "0018_log_witness",
    19 "0019_root_versions",
    20 "0020_loaners",
    21 "0021_api_keys",
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

/// What brings a store up to date.
pub(super) fn migrator() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

/// The number of the newest step.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|&(version, ..)| version).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    /// What was lent again was back before, and what ended by its return is back; of what ended
    /// otherwise nobody knows.
    #[tokio::test]
    async fn loans_of_an_older_store_are_back_where_that_is_known() {
        let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let older = migrator().iter().filter(|step| step.version < 22).cloned().collect();
        Migrator::with_migrations(older).run(&mut db).await.unwrap();
        sqlx::raw_sql(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO loan
             (number, id, credential, person, begins, until, lender, reason, ended, ended_by)
             VALUES
             (1, x'01', 7, 1, 0, 9, 'desk', 'lost', 5, 'key'),
             (2, x'02', 7, 2, 5, 9, 'desk', 'lost', 6, 'time'),
             (3, x'03', 8, 3, 0, 9, 'desk', 'lost', 4, 'return'),
             (4, x'04', 9, 4, 0, 9, 'desk', 'lost', NULL, NULL)",
        )
        .execute(&mut db)
        .await
        .unwrap();

        migrator().run(&mut db).await.unwrap();

        let back: Vec<(i64, Option<i64>)> =
            sqlx::query_as("SELECT number, returned FROM loan ORDER BY number")
                .fetch_all(&mut db)
                .await
                .unwrap();
        assert_eq!(back, [(1, Some(5)), (2, None), (3, Some(4)), (4, None)]);
    }

    /// A store of before archives has its records as they were, and keeps them: one goes only when
    /// what stays of it is there.
    #[tokio::test]
    async fn records_of_a_store_of_before_archives_stay() {
        let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let older = migrator().iter().filter(|step| step.version < 30).cloned().collect();
        Migrator::with_migrations(older).run(&mut db).await.unwrap();
        sqlx::raw_sql(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO event (seq, id, received, time, terminal, name, outcome, verdict, document)
             VALUES (7, x'01', 5, 5, x'02', 'offline', 'success', 'none', x'03');
             INSERT INTO event_log_entry (position, event, hash) VALUES (0, 7, x'04')",
        )
        .execute(&mut db)
        .await
        .unwrap();

        migrator().run(&mut db).await.unwrap();

        let mut run = async |sql: &'static str| sqlx::raw_sql(sql).execute(&mut db).await;
        for kept in ["DELETE FROM event", "DELETE FROM event_log_entry"] {
            assert!(run(kept).await.unwrap_err().to_string().contains("not deleted"), "{kept}");
        }
        run("INSERT INTO event_log_pruned (position, event, id, hash, document, prune)
             VALUES (0, 7, x'01', x'04', x'05', 1)")
        .await
        .unwrap();
        for gone in ["DELETE FROM event_log_entry", "DELETE FROM event"] {
            assert_eq!(run(gone).await.unwrap().rows_affected(), 1, "{gone}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_listed_under_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
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
