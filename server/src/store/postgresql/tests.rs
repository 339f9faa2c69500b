//! What is PostgreSQL's own. It needs one: `tests/postgresql/with`.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use wardkey_core::code::Code;

use super::{Address, Database, migrations};
use crate::error::Error;
use crate::store::query::query;
use crate::store::testing::Home;
use crate::store::{Place, Store, audit, setting};

/// Where a new store is, and the store.
async fn served() -> (Home, Store) {
    let home = Home::new();
    assert!(!home.is_file(), "run by tests/postgresql/run");
    let store = home.store().await;
    (home, store)
}

fn address(home: &Home) -> Address {
    home.url().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said_with_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgresql:///wardkey?host={}", folder.path().display());
    let refused = Database::open(&url.parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), Code::DatabaseUnreachable);
    assert!(refused.to_string().contains(&url), "{refused}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_statement_that_failed_undoes_the_transaction_and_nobody_is_told_that_it_is_kept() {
    let (_home, store) = served().await;
    let mut tx = store.write().await.unwrap();
    setting::put(&mut tx, "a", "1").await.unwrap();
    query("SELECT 1 / 0").execute(&mut tx).await.unwrap_err();
    tx.commit().await.unwrap_err();
    let found = setting::find(&mut store.read().await.unwrap(), "a").await.unwrap();
    assert_eq!(found, None);
    // Up to a savepoint it can be taken back.
    let mut tx = store.write().await.unwrap();
    setting::put(&mut tx, "a", "1").await.unwrap();
    tx.run(query("SAVEPOINT piece")).await.unwrap();
    query("SELECT 1 / 0").execute(&mut tx).await.unwrap_err();
    tx.run(query("ROLLBACK TO SAVEPOINT piece")).await.unwrap();
    tx.commit().await.unwrap();
    let found = setting::find(&mut store.read().await.unwrap(), "a").await.unwrap();
    assert_eq!(found.as_deref(), Some("1"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn numbers_have_no_gaps_where_something_was_undone() {
    let (_home, store) = served().await;
    let (now, actor) = (wardkey_core::time::UnixTime(1_800_000_000), audit::Actor::server());
    for is_kept in [true, false, false, true] {
        let mut tx = store.write().await.unwrap();
        audit::record(&mut tx, now, &actor, audit::Act::new("test", "object")).await.unwrap();
        if is_kept {
            tx.commit().await.unwrap();
        }
    }
    let last = audit::last(&mut store.read().await.unwrap()).await.unwrap().unwrap();
    assert_eq!(last.seq, 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn writers_of_several_processes_take_turns_and_each_sees_what_was_committed_before() {
    let (home, store) = served().await;
    let count = async |store: &Store| {
        for _ in 0..25 {
            let mut tx = store.write().await.unwrap();
            let seen = setting::find(&mut tx, "count").await.unwrap();
            let next = seen.map_or(0, |seen| seen.parse::<u32>().unwrap()) + 1;
            setting::put(&mut tx, "count", &next.to_string()).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    let other = Store::open(home.place()).await.unwrap();
    tokio::join!(count(&store), count(&other), count(&store), count(&other));
    let counted = setting::find(&mut store.read().await.unwrap(), "count").await.unwrap();
    assert_eq!(counted.as_deref(), Some("100"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_happened_can_be_neither_changed_nor_deleted_nor_emptied() {
    let (_home, store) = served().await;
    let mut tx = store.write().await.unwrap();
    let (now, actor) = (wardkey_core::time::UnixTime(1_800_000_000), audit::Actor::server());
    audit::record(&mut tx, now, &actor, audit::Act::new("test", "object")).await.unwrap();
    tx.commit().await.unwrap();
    for sql in ["DELETE FROM audit", "UPDATE audit SET actor = 'x'", "TRUNCATE audit"] {
        let mut tx = store.write().await.unwrap();
        let refused = query(sql).execute(&mut tx).await.unwrap_err().to_string();
        assert!(refused.contains("the audit trail is not"), "{sql}: {refused}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_watcher_hears_of_every_commit_and_of_nothing_else() {
    let (home, store) = served().await;
    let mut watcher = store.watcher().await.unwrap();
    assert!(watcher.changed().await.unwrap(), "the first look finds all");
    assert!(!watcher.changed().await.unwrap());
    let other = Store::open(home.place()).await.unwrap();
    let mut tx = other.write().await.unwrap();
    setting::put(&mut tx, "a", "1").await.unwrap();
    assert!(!watcher.changed().await.unwrap(), "nothing is committed yet");
    tx.commit().await.unwrap();
    let heard = async {
        while !watcher.changed().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap();
    watcher.close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn one_server_at_a_time_has_the_database() {
    let (home, store) = served().await;
    let watcher = store.watcher().await.unwrap();
    let other = Store::open(home.place()).await.unwrap();
    let refused = other.watcher().await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::DatabaseTaken, "{refused}");
    watcher.close().await;
    other.watcher().await.unwrap().close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_newer_version_changes_no_schema_under_a_server_that_runs() {
    let (home, store) = served().await;
    let watcher = store.watcher().await.unwrap();
    // As an older version left it.
    home.run("DELETE FROM _sqlx_migrations");
    let refused = Database::open(&address(&home)).await.unwrap_err();
    assert_eq!(refused.code(), Code::DatabaseTaken, "{refused}");
    assert_eq!(home.run("SELECT count(*) FROM _sqlx_migrations"), "0");
    watcher.close().await;
    let tried = Database::open(&address(&home)).await.unwrap_err();
    assert!(matches!(tried, Error::Migration(_)), "{tried}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_whose_connection_was_lost_listens_again_or_says_that_another_one_has_it() {
    let (home, store) = served().await;
    let mut watcher = store.watcher().await.unwrap();
    while watcher.changed().await.unwrap() {}
    home.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    );
    let heard = async {
        loop {
            match watcher.changed().await {
                Ok(true) => break,
                Ok(false) | Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap();
    // It has the lock again.
    let other = Store::open(home.place()).await.unwrap();
    assert_eq!(other.watcher().await.map(|_| ()).unwrap_err().code(), Code::DatabaseTaken);
    watcher.close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_new_deployment_takes_an_empty_database_only() {
    let (home, store) = served().await;
    // Nothing is in it but the schema, as after an init that was interrupted.
    let again = home.folder().join("again.db");
    let place = |path| Place::at_server(path, address(&home));
    Store::create(place(&again)).await.unwrap().close().await;
    let mut tx = store.write().await.unwrap();
    query("INSERT INTO root (version, by_itself) VALUES (1, $1)")
        .bind(&[0u8; 4])
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let refused = Store::create(place(&home.folder().join("third.db"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::DatabaseHasOne);
    assert!(matches!(refused, Error::Refused { .. }));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_that_would_lose_what_it_confirmed_is_refused() {
    let (home, _store) = served().await;
    home.run("ALTER ROLE wardkey IN DATABASE DB SET synchronous_commit = off");
    let refused = Database::open(&address(&home)).await.unwrap_err();
    assert_eq!(refused.code(), Code::DatabaseUnfit);
    assert!(refused.to_string().contains("synchronous_commit"), "{refused}");
}

/// A store of before archives has its records as they were, and keeps them: one goes only when what
/// stays of it is there.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn records_of_a_store_of_before_archives_stay() {
    let home = Home::new();
    let mut db = address(&home).options().connect().await.unwrap();
    let older = migrations::migrator().iter().filter(|step| step.version < 30).cloned().collect();
    Migrator::with_migrations(older).run(&mut db).await.unwrap();
    sqlx::raw_sql(
        "SET session_replication_role = replica;
         INSERT INTO event (seq, id, received, time, terminal, name, outcome, verdict, document)
         VALUES (7, '\\x01', 5, 5, '\\x02', 'offline', 'success', 'none', '\\x03');
         INSERT INTO event_log_entry (position, event, hash) VALUES (0, 7, '\\x04');
         SET session_replication_role = DEFAULT",
    )
    .execute(&mut db)
    .await
    .unwrap();

    migrations::migrator().run(&mut db).await.unwrap();

    let mut run = async |sql: &'static str| sqlx::raw_sql(sql).execute(&mut db).await;
    for kept in ["DELETE FROM event", "DELETE FROM event_log_entry"] {
        assert!(run(kept).await.unwrap_err().to_string().contains("not deleted"), "{kept}");
    }
    run("INSERT INTO event_log_pruned (position, event, id, hash, document, prune)
         VALUES (0, 7, '\\x01', '\\x04', '\\x05', 1)")
    .await
    .unwrap();
    for gone in ["DELETE FROM event_log_entry", "DELETE FROM event"] {
        assert_eq!(run(gone).await.unwrap().rows_affected(), 1, "{gone}");
    }
}
