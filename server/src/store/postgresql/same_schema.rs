//! Both schemas are one: the same tables with the same columns and constraints, the same indexes,
//! and what keeps records as they are. Read from the steps of both, without a PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use super::migrations;
use crate::error::Result;
use crate::store::query::{FromRow, Row, query};
use crate::store::testing::Home;
use crate::store::{Store, whole};

/// Tables with what stands in their parentheses, indexes and triggers by name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    tables: BTreeMap<String, BTreeSet<String>>,
    indexes: BTreeMap<String, String>,
    triggers: BTreeSet<String>,
}

impl Schema {
    /// Takes a statement in the words of PostgreSQL.
    fn take(&mut self, sql: &str) {
        let words: Vec<&str> = sql.split(' ').collect();
        match words[..] {
            ["CREATE", "TABLE", name, ..] => {
                let parts = parts(&sql[sql.find('(').unwrap() + 1..sql.rfind(')').unwrap()]);
                assert!(self.tables.insert(name.to_owned(), parts).is_none(), "{name} twice");
            }
            ["ALTER", "TABLE", table, "ADD", "COLUMN", ..] => {
                let (_, column) = sql.split_once(" ADD COLUMN ").unwrap();
                self.tables.get_mut(table).unwrap().insert(column.to_owned());
            }
            ["CREATE", "INDEX", name, ..] | ["CREATE", "UNIQUE", "INDEX", name, ..] => {
                self.indexes.insert(name.to_owned(), sql.to_owned());
            }
            ["DROP", "INDEX", name] => {
                self.indexes.remove(name).unwrap();
            }
            ["CREATE", "TRIGGER", name, ..] => {
                self.triggers.insert(name.to_owned());
            }
            ["DROP", "TRIGGER", name, "ON", _] => assert!(self.triggers.remove(name), "{name}"),
            ["CREATE", "FUNCTION", ..] | ["INSERT" | "UPDATE", ..] => {}
            _ => panic!("a statement that is not compared: {sql}"),
        }
    }
}

/// What is separated by commas, outside of parentheses.
fn parts(text: &str) -> BTreeSet<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        match c {
            ',' if depth == 0 => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// On one line, without comments, quotation marks of names, and what says nothing.
fn plain(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split("--").next().unwrap());
    let line = code.collect::<Vec<_>>().join(" ").replace('"', "");
    let words: Vec<&str> = line.split_whitespace().collect();
    words.join(" ").replace("( ", "(").replace(" )", ")")
}

/// What SQLite says, in the words of PostgreSQL.
fn translated(sql: &str) -> String {
    let mut sql = plain(sql);
    for (from, to) in [
        (" STRICT, WITHOUT ROWID", ""),
        (" STRICT", ""),
        (" AUTOINCREMENT", ""),
        ("INTEGER", "BIGINT"),
        ("BLOB", "BYTEA"),
        (" TEXT", " TEXT COLLATE C"),
    ] {
        sql = sql.replace(from, to);
    }
    sql
}

/// Statements of a step, without the bodies of functions.
fn statements(step: &str) -> Vec<String> {
    let without_bodies: String = step.split("$$").step_by(2).collect();
    let plain = without_bodies.split(";\n").map(plain);
    plain.filter(|sql| !sql.is_empty()).collect()
}

struct Object {
    kind: String,
    name: String,
    sql: String,
}

impl FromRow for Object {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { kind: row.get("type")?, name: row.get("name")?, sql: row.get("sql")? })
    }
}

async fn of_sqlite() -> Schema {
    let home = Home::of_a_file();
    let store: Store = home.store().await;
    let objects: Vec<Object> = query(
        "SELECT type, name, sql FROM sqlite_master
         WHERE sql IS NOT NULL AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'
             AND name NOT LIKE 'sqlite%'",
    )
    .all(&mut store.read().await.unwrap())
    .await
    .unwrap();
    let mut schema = Schema::default();
    for Object { kind, name, sql } in objects {
        match kind.as_str() {
            "trigger" => assert!(schema.triggers.insert(name)),
            _ => schema.take(&translated(&sql)),
        }
    }
    schema
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_constraints_and_indexes() {
    let sqlite = of_sqlite().await;
    let mut postgresql = Schema::default();
    for step in migrations::steps() {
        statements(step).iter().for_each(|sql| postgresql.take(sql));
    }
    assert!(sqlite.tables.len() > 30, "{} tables", sqlite.tables.len());
    assert_eq!(postgresql.tables, sqlite.tables);
    assert_eq!(postgresql.indexes, sqlite.indexes);
    let lacks: Vec<_> = sqlite.triggers.difference(&postgresql.triggers).collect();
    assert!(lacks.is_empty(), "what is kept in one may be changed in the other: {lacks:?}");
}

#[tokio::test]
async fn a_step_has_the_same_number_in_both() {
    assert_eq!(migrations::newest(), Store::newest_schema());
    let (_home, store) = crate::store::testing::new_store().await;
    let number = whole::schema(&mut store.read().await.unwrap()).await.unwrap();
    assert_eq!(number, Store::newest_schema());
}
