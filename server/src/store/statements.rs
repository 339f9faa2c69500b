//! Every statement of the store, read from its sources: each must be one that a migrated database
//! prepares, those that run for each login or change must use an index, and none may be of one
//! database only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Store;
use super::query::{Db, FromRow, Query, Row};
use super::testing::{Home, new_store};
use crate::error::Result;

struct Detail(String);

impl FromRow for Detail {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("detail").map(Self)
    }
}

struct Step(String);

impl FromRow for Step {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("QUERY PLAN").map(Self)
    }
}

struct Anything;

impl FromRow for Anything {
    fn from_row(_: &Row) -> Result<Self> {
        Ok(Self)
    }
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // What tests do is theirs.
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            found.push((path, text));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A string literal at the beginning of a text, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut rest = text.trim_start().strip_prefix('"')?;
    let mut value = String::new();
    loop {
        let end = rest.find(['"', '\\'])?;
        value.push_str(&rest[..end]);
        match (rest.as_bytes()[end], rest[end + 1..].chars().next()) {
            (b'"', _) => return Some((value, &rest[end + 1..])),
            (_, Some('\n')) => rest = rest[end + 2..].trim_start(),
            (_, Some(c)) => {
                value.push(c);
                rest = &rest[end + 1 + c.len_utf8()..];
            }
            _ => return None,
        }
    }
}

/// What stands in parentheses at the beginning of a text, and what follows them.
fn parenthesised(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with('(') {
        return None;
    }
    let mut depth = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// The highest number of a parameter.
fn highest(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

/// As many places as an INSERT has columns, numbered on.
fn places(sql: &str) -> String {
    let columns = sql.split(['(', ')']).nth(1).filter(|_| sql.trim_end().ends_with("VALUES"));
    let count = columns.map_or(1, |columns| columns.split(',').count());
    let after = highest(sql);
    let places: Vec<String> =
        (after + 1..=after + count).map(|number| format!("${number}")).collect();
    format!("({})", places.join(", "))
}

/// In the place of scopes, until all parameters are known.
const WITHIN: &str = "$within";

/// Each statement with the file that it stands in.
fn statements() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for (path, source) in sources(&root().join("store")) {
        // What only one of them knows is tried where it stands.
        let folders = ["sqlite", "postgresql"].map(|name| root().join("store").join(name));
        if ["lists.rs", "postgresql.rs", "query.rs", "sqlite.rs", "statements.rs"]
            .iter()
            .any(|name| path.ends_with(name))
            || folders.iter().any(|folder| path.starts_with(folder))
        {
            continue;
        }
        let constants: BTreeMap<&str, String> = source
            .split("const ")
            .skip(1)
            .filter_map(|text| text.split_once(": &str ="))
            .filter_map(|(name, text)| Some((name, literal(text)?.0)))
            .collect();
        let text_of = |argument: &str| match literal(argument) {
            Some((text, _)) => text,
            None => constants
                .get(argument.trim())
                .unwrap_or_else(|| panic!("{path:?}: {argument}"))
                .clone(),
        };
        for (at, _) in source.match_indices("query(") {
            let (argument, mut rest) = parenthesised(&source[at + "query".len()..]).unwrap();
            let mut sql = text_of(argument);
            // Also as it is where no scopes are given.
            let mut everywhere = sql.clone();
            while let Some(call) = rest.trim_start().strip_prefix('.') {
                let name = &call[..call.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap()];
                let Some((argument, after)) = parenthesised(&call[name.len()..]) else { break };
                match name {
                    "then" => {
                        let text = text_of(argument);
                        sql.push_str(&text);
                        everywhere.push_str(&text);
                    }
                    "list" | "rows" => {
                        sql.push_str(&places(&sql));
                        everywhere.push_str(&places(&everywhere));
                    }
                    "within" => {
                        let (_, begins) = argument.split_once(',').unwrap();
                        sql.push_str(&format!("{}({WITHIN}))", text_of(begins)));
                    }
                    _ => {}
                }
                rest = after;
            }
            // Bound after those before it, though named before those behind it.
            let sql = sql.replace(WITHIN, &format!("${}", highest(&sql) + 1));
            if everywhere != sql {
                found.push((path.clone(), everywhere));
            }
            found.push((path.clone(), sql));
        }
    }
    found
}

#[tokio::test]
async fn every_statement_is_one_that_a_migrated_database_takes() {
    let (home, store) = new_store().await;
    let all = statements();
    assert!(all.len() > 80, "only {} statements were found", all.len());
    let mut tx = store.read().await.unwrap();
    for (path, sql) in all {
        if !home.is_file() && is_never_prepared(&sql) {
            continue;
        }
        let how = if home.is_file() { format!("EXPLAIN {sql}") } else { prepare(&sql) };
        let prepared = Query::of_test(how).all::<Anything>(&mut tx).await;
        assert!(prepared.is_ok(), "{}: {sql}: {:?}", path.display(), prepared.err());
        if !home.is_file() {
            Query::of_test("DEALLOCATE statement".into()).all::<Anything>(&mut tx).await.unwrap();
        }
    }
}

/// What PREPARE does not take; every test of records runs it.
fn is_never_prepared(sql: &str) -> bool {
    sql.contains("SAVEPOINT")
}

/// As PostgreSQL prepares it; every parameter has the type of its place, but for rows that have
/// none.
fn prepare(sql: &str) -> String {
    let types = if sql.contains("asked (stretch") { " (BIGINT, BIGINT, BIGINT)" } else { "" };
    format!("PREPARE statement{types} AS {sql}")
}

/// How a statement is done, step by step.
async fn plan(home: &Home, sql: &str, tx: &mut Db) -> Vec<String> {
    if home.is_file() {
        let plan = Query::of_test(format!("EXPLAIN QUERY PLAN {sql}")).all::<Detail>(tx).await;
        return plan.unwrap().into_iter().map(|Detail(step)| step).collect();
    }
    // The tables are empty: it would read all of them, where it may.
    for setting in ["enable_seqscan = off", "plan_cache_mode = force_generic_plan"] {
        Query::of_test(format!("SET LOCAL {setting}")).all::<Anything>(tx).await.unwrap();
    }
    Query::of_test(prepare(sql)).all::<Anything>(tx).await.unwrap();
    let count = highest(sql);
    let values = vec!["NULL"; count].join(", ");
    let values = if count == 0 { values } else { format!("({values})") };
    let plan = Query::of_test(format!("EXPLAIN EXECUTE statement{values}"));
    let plan = plan.all::<Step>(tx).await.unwrap();
    Query::of_test("DEALLOCATE statement".into()).all::<Anything>(tx).await.unwrap();
    plan.into_iter().map(|Step(step)| step).collect()
}

#[tokio::test]
async fn statements_of_each_login_and_each_change_read_no_whole_table() {
    let (home, store) = new_store().await;
    let mut tx = store.write().await.unwrap();
    // Lists, a start, an import, an epoch, a backup, a restore and a new root key concern all rows;
    // these tables are small.
    let whole = [
        "import/check.rs",
        "store/whole.rs",
        "store/restored.rs",
        "SELECT login FROM person WHERE status",
        "FROM scope",
        "FROM terminal LEFT JOIN terminal_scope",
        "UPDATE scope",
        "FROM root",
        "AS all_of_them",
        "GROUP BY came_by",
        "record_destination WHERE listed",
        "record_destination SET listed",
        "FROM signing_clock",
        "UPDATE signing_clock",
        "UPDATE join_token SET revoked = $1 WHERE revoked IS NULL",
    ];
    let is_list = |sql: &str| {
        sql.contains("ORDER BY") && (sql.contains("LIMIT") || sql.contains("FROM terminal ORDER"))
    };
    for (path, sql) in statements() {
        if whole.iter().any(|part| path.ends_with(part) || sql.contains(part)) || is_list(&sql) {
            continue;
        }
        if !home.is_file() && is_never_prepared(&sql) {
            continue;
        }
        for step in plan(&home, &sql, &mut tx).await {
            // One row, or those of the statement itself.
            let few = ["SCAN CONSTANT ROW", "SCAN asked"];
            let scans = step.starts_with("SCAN") && !few.iter().any(|few| step.starts_with(few));
            assert!(!scans && !step.contains("Seq Scan"), "{}: {sql}: {step}", path.display());
        }
    }
}

#[tokio::test]
async fn what_is_asked_of_one_key_or_one_person_reads_their_rows_only() {
    let home = Home::of_a_file();
    let store: Store = home.store().await;
    let mut tx = store.read().await.unwrap();
    let mut looked = 0;
    for (path, sql) in statements() {
        let is_clone = path.ends_with("event/clone.rs");
        let is_one = ["event.person = $9", "event.terminal = $9", "object = $1"]
            .iter()
            .any(|part| sql.contains(part));
        if !is_clone && !is_one {
            continue;
        }
        looked += 1;
        let plan = Query::of_test(format!("EXPLAIN QUERY PLAN {sql}"))
            .all::<Detail>(&mut tx)
            .await
            .unwrap();
        for Detail(step) in plan {
            let reads_all = step.starts_with("SCAN event") || step.starts_with("SCAN audit");
            // The whole history of one key.
            let reads_key = is_clone && step.ends_with("(credential=?)");
            assert!(!reads_all && !reads_key, "{sql}: {step}");
        }
    }
    assert_eq!(looked, 7);
}

#[tokio::test]
async fn what_reports_count_is_in_an_index_and_no_record_is_read() {
    let home = Home::of_a_file();
    let store = home.store().await;
    let mut tx = store.read().await.unwrap();
    let mut looked = 0;
    for (path, sql) in statements() {
        if !path.ends_with("report/event.rs") {
            continue;
        }
        looked += 1;
        let plan = Query::of_test(format!("EXPLAIN QUERY PLAN {sql}"))
            .all::<Detail>(&mut tx)
            .await
            .unwrap();
        let of_events: Vec<String> = plan
            .into_iter()
            .map(|Detail(step)| step)
            .filter(|step| step.contains("event"))
            .collect();
        // What is rare is read: records without proof, and those of the shared accounts.
        let index = if sql.contains("name IN") {
            "USING COVERING INDEX event_name (name=? AND time>? AND time<?)"
        } else if sql.contains("account IN") {
            "USING INDEX event_account (account=? AND time>? AND time<?)"
        } else {
            "USING INDEX event_invalid (time>? AND time<?)"
        };
        assert_eq!(of_events, [format!("SEARCH event {index}")], "{sql}");
    }
    assert_eq!(looked, 5);
}

#[test]
fn one_folder_alone_names_what_only_one_database_knows() {
    let of_sqlite = [
        "sqlx::sqlite",
        "Sqlite",
        "PRAGMA",
        "INSERT OR",
        "rowid",
        "data_version",
        " hex(",
        "(hex(",
        " = ?",
        "\"-wal\"",
        "\"-shm\"",
        "SQLite format",
    ];
    let of_postgresql = ["sqlx::postgres", "Postgres", "pg_", "LISTEN", "plpgsql"];
    let of_either = ["sqlx::query"];
    // These look at the files themselves, or at both databases.
    let by_itself =
        ["restore/place/tests.rs", "store/statements.rs", "moving/tests.rs", "migrate/tests.rs"];
    for (path, text) in sources(&root()) {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let is_of = |name: &&str| {
            let own = root().join("store").join(name);
            path.starts_with(&own) || path == own.with_extension("rs")
        };
        if by_itself.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        for (owners, words) in [
            (&["sqlite"][..], &of_sqlite[..]),
            (&["postgresql"], &of_postgresql),
            (&["sqlite", "postgresql"], &of_either),
        ] {
            if owners.iter().any(is_of) {
                continue;
            }
            for word in words {
                assert!(!code.contains(word), "{}: {word}", path.display());
            }
        }
    }
}
