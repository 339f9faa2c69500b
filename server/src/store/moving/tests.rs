//! What is copied, and in which order. Where a database of PostgreSQL is needed, it is that of
//! `tests/postgresql/with`.

use wardkey_testkit::TestDatabase;

use super::*;
use crate::store::query::Query;
use crate::store::testing::Home;
use crate::store::{Store, Tx};

/// A row in every table.
const EVERYTHING: &str = include_str!("everything.sql");

/// A file with a row in every table.
async fn full() -> (Home, Store) {
    let home = Home::of_a_file();
    let store = home.store().await;
    let mut tx = store.write().await.unwrap();
    let code = EVERYTHING.lines().filter(|line| !line.starts_with("--"));
    let code: Vec<&str> = code.collect();
    for sql in code.join("\n").split(";\n").filter(|sql| !sql.trim().is_empty()) {
        run(&mut tx, sql).await;
    }
    tx.commit().await.unwrap();
    (home, store)
}

async fn run(tx: &mut Tx, sql: &str) {
    let done = Query::of_test(sql.to_owned()).execute(tx).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// An empty database of PostgreSQL.
fn empty() -> (TestDatabase, Address) {
    let database = TestDatabase::wanted().expect("run by tests/postgresql/run");
    let address = database.url().parse().unwrap();
    (database, address)
}

async fn open(home: &Home, address: &Address) -> Store {
    Store::open_to_fill(&home.folder().join("elsewhere.db"), address).await.unwrap()
}

async fn count(store: &Store, table: &str) -> u64 {
    let sql = format!("SELECT count(*) AS number FROM {}", quoted(table));
    let mut tx = store.read().await.unwrap();
    let rows = tx.driver.fetch(sql.into(), vec![]).await.unwrap();
    match rows[0].only().unwrap() {
        Value::Integer(count) => count.unsigned_abs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_table_has_a_key_and_stands_behind_those_that_it_refers_to() {
    let home = Home::of_a_file();
    let store = home.store().await;
    let shapes = store.read().await.unwrap().driver.shapes().await.unwrap();
    let ordered = in_order(shapes.clone()).unwrap();
    assert_eq!(ordered.len(), shapes.len());
    for (place, table) in ordered.iter().enumerate() {
        assert!(!table.key.is_empty(), "{}: rows without an order", table.name);
        for to in &table.refers {
            let before = ordered.iter().position(|other| other.name == *to).unwrap();
            assert!(before <= place, "{} before {to}", table.name);
        }
    }
    // What a new store has by itself makes room for what comes.
    for table in &shapes {
        let is_filled = FILLED.contains(&table.name.as_str());
        assert_eq!(count(&store, &table.name).await > 0, is_filled, "{}", table.name);
    }
}

/// A table or column that is new goes red here until it has a value in `everything.sql`.
#[tokio::test]
async fn the_rows_to_try_with_are_of_every_table_and_column() {
    let (_home, store) = full().await;
    let mut tx = store.read().await.unwrap();
    let shapes = tx.driver.shapes().await.unwrap();
    assert!(shapes.len() > 30, "{} tables", shapes.len());
    for Shape { name: table, columns, .. } in shapes {
        for column in columns {
            let (within, column) = (quoted(&table), quoted(&column));
            let sql = format!("SELECT count({column}) AS number FROM {within}");
            let rows = tx.driver.fetch(sql.into(), vec![]).await.unwrap();
            assert_ne!(rows[0].only().unwrap(), Value::Integer(0), "{within}: no {column}");
        }
    }
}

/// A newer version that is started on it by mistake leaves it as it is.
#[tokio::test]
async fn a_file_that_was_moved_is_refused_before_its_schema_is_looked_at() {
    for (settled, code) in [(false, Code::MoveUnfinished), (true, Code::StoreMoved)] {
        let (home, store) = full().await;
        let mut tx = store.write().await.unwrap();
        setting::put(&mut tx, MOVED_TO, "elsewhere").await.unwrap();
        if settled {
            mark_settled(&mut tx).await.unwrap();
        }
        run(&mut tx, "DELETE FROM _sqlx_migrations").await;
        tx.commit().await.unwrap();
        store.close().await;
        let refused = Store::open(home.place()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        // Nor does a move raise it that comes too late.
        let opened = Store::open_to_move(&home.folder().join("wardkey.db")).await;
        assert_eq!(opened.is_ok(), settled);
    }
}

#[test]
fn tables_in_a_circle_are_refused() {
    let table = |name: &str, refers: &[&str]| Shape {
        name: name.into(),
        columns: vec![],
        key: vec![],
        refers: refers.iter().map(|to| (*to).to_owned()).collect(),
    };
    let names = |tables| -> Vec<String> {
        in_order(tables).unwrap().into_iter().map(|table: Shape| table.name).collect()
    };
    let tables = vec![table("c", &["b", "c"]), table("b", &["a"]), table("a", &[])];
    assert_eq!(names(tables), ["a", "b", "c"]);
    assert!(in_order(vec![table("a", &["b"]), table("b", &["a"])]).is_err());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn every_row_of_every_table_arrives_as_it_was() {
    let (home, store) = full().await;
    let (_database, address) = empty();
    let to = open(&home, &address).await;
    let (mut reading, mut writing) = (store.read().await.unwrap(), to.write().await.unwrap());
    let copied = copy(&mut reading, (&mut *writing, &address), &mut |_| {}).await.unwrap();
    writing.commit().await.unwrap();

    let shapes = reading.driver.shapes().await.unwrap();
    assert_eq!(copied.len(), shapes.len());
    for table in &shapes {
        let rows = count(&store, &table.name).await;
        let said = copied.iter().find(|copied| copied.name == table.name).unwrap();
        assert_eq!((said.rows, count(&to, &table.name).await), (rows, rows), "{}", table.name);
        // Again from both, by whoever does not trust what was said.
        let here = read_over(&mut reading, table).await.unwrap();
        let mut read = to.read().await.unwrap();
        let there = read_over(&mut read, table).await.unwrap();
        assert_eq!((&here, &there), (said, said));
    }

    // What comes next has the next number.
    let mut tx = to.write().await.unwrap();
    run(
        &mut tx,
        "INSERT INTO person (login, display_name, language, user_handle, status, created, changed)
         VALUES ('kato', 'K', 'ja', '\\x09', 'active', 1, 1)",
    )
    .await;
    let rows = tx.driver.fetch("SELECT max(id) AS id FROM person".into(), vec![]).await.unwrap();
    assert_eq!(rows[0].only().unwrap(), Value::Integer(5));
    drop(tx);
    // No column takes its number from a sequence, which would begin at 1 again.
    let made = "SELECT column_name AS name FROM information_schema.columns
        WHERE table_schema = current_schema()
            AND (is_identity = 'YES' OR column_default LIKE 'nextval%')";
    let made = to.read().await.unwrap().driver.fetch(made.into(), vec![]).await.unwrap();
    assert!(made.is_empty(), "a sequence has to be set behind the rows that are copied");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_table_of_many_pages_is_copied_page_by_page() {
    let (home, store) = full().await;
    let mut tx = store.write().await.unwrap();
    run(
        &mut tx,
        "WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO event (seq, id, received, time, terminal, name, outcome, verdict, document)
         SELECT i, CAST('e' || i AS BLOB), i, i, x'10', 'login', 'failure', 'none',
             CAST('d' || i AS BLOB) FROM n",
    )
    .await;
    tx.commit().await.unwrap();

    let (_database, address) = empty();
    let to = open(&home, &address).await;
    let (mut reading, mut writing) = (store.read().await.unwrap(), to.write().await.unwrap());
    let mut seen = Vec::new();
    let mut progress = |at: Progress<'_>| {
        if at.table == "event" {
            seen.push((at.rows, at.all));
        }
    };
    copy(&mut reading, (&mut *writing, &address), &mut progress).await.unwrap();
    assert_eq!(seen, [500, 1000, 1500, 2000, 2500].map(|rows| (rows, 2500)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_was_changed_on_the_way_is_found_and_nothing_is_kept() {
    let (home, store) = full().await;
    let (database, address) = empty();
    let to = open(&home, &address).await;
    // As a database that does not keep what it is given.
    database.run(
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.display_name := 'x'; RETURN NEW; END $$;
         CREATE TRIGGER other BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION other()",
    );
    let (mut reading, mut writing) = (store.read().await.unwrap(), to.write().await.unwrap());
    let refused = copy(&mut reading, (&mut *writing, &address), &mut |_| {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::MoveDiffers);
    assert!(refused.to_string().contains("person"), "{refused}");
    drop(writing);
    assert_eq!(count(&to, "root").await, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_database_that_is_not_empty_or_of_another_schema_is_refused_and_left_as_it_is() {
    let (home, store) = full().await;
    let path = home.folder().join("elsewhere.db");
    let refused = async |address: &Address| {
        let to = match Store::open_to_fill(&path, address).await {
            Err(error) => return error,
            Ok(to) => to,
        };
        let (mut reading, mut writing) = (store.read().await.unwrap(), to.write().await.unwrap());
        copy(&mut reading, (&mut *writing, address), &mut |_| {}).await.unwrap_err()
    };

    // Of another program.
    let (database, address) = empty();
    database.run("CREATE TABLE other (a int)");
    let error = refused(&address).await;
    assert_eq!(error.code(), Code::MoveTarget, "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.run(tables), "1");

    // Of another version of this one.
    let (database, address) = empty();
    open(&home, &address).await.close().await;
    for sql in [
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
        "UPDATE _sqlx_migrations SET version = 9000 WHERE version = 21",
    ] {
        database.run(sql);
        let steps = database.run("SELECT count(*), max(version) FROM _sqlx_migrations");
        let error = refused(&address).await;
        assert_eq!(error.code(), Code::MoveTarget, "{error}");
        assert!(error.to_string().contains("schema"), "{error}");
        assert_eq!(database.run("SELECT count(*), max(version) FROM _sqlx_migrations"), steps);
    }

    // With one row.
    let (database, address) = empty();
    open(&home, &address).await.close().await;
    database.run("INSERT INTO web_challenge (challenge, until) VALUES ('\\x01', 1)");
    let error = refused(&address).await;
    assert_eq!(error.code(), Code::MoveTarget, "{error}");
    assert!(error.to_string().contains("web_challenge"), "{error}");
}
