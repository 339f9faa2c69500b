//! Every statement of the store, read from its sources: each must be one that a migrated database
//! prepares, those that run for each login or change must use an index, and none may be of one
//! database only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Store;
use super::query::{FromRow, Query, Row};
use crate::error::Result;

struct Detail(String);

impl FromRow for Detail {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("detail").map(Self)
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

/// As many places as an INSERT has columns.
fn places(sql: &str) -> String {
    let columns = sql.split(['(', ')']).nth(1).filter(|_| sql.trim_end().ends_with("VALUES"));
    let count = columns.map_or(1, |columns| columns.split(',').count());
    let places: Vec<String> = (1..=count).map(|number| format!("${number}")).collect();
    format!("({})", places.join(", "))
}

/// Each statement with the file that it stands in.
fn statements() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for (path, source) in sources(&root().join("store")) {
        if ["copying.rs", "lists.rs", "query.rs", "sqlite.rs", "statements.rs"]
            .iter()
            .any(|name| path.ends_with(name))
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
                        sql.push_str(&format!("{}($1))", text_of(begins)));
                    }
                    _ => {}
                }
                rest = after;
            }
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
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
    let all = statements();
    assert!(all.len() > 80, "only {} statements were found", all.len());
    let mut tx = store.read().await.unwrap();
    for (path, sql) in all {
        let prepared = Query::of_test(format!("EXPLAIN {sql}")).all::<Anything>(&mut tx).await;
        assert!(prepared.is_ok(), "{}: {sql}: {:?}", path.display(), prepared.err());
    }
}

#[tokio::test]
async fn statements_of_each_login_and_each_change_read_no_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
    let mut tx = store.read().await.unwrap();
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
        let plan = Query::of_test(format!("EXPLAIN QUERY PLAN {sql}"))
            .all::<Detail>(&mut tx)
            .await
            .unwrap();
        for Detail(step) in plan {
            // One row, or those of the statement itself.
            let few = ["SCAN CONSTANT ROW", "SCAN asked"];
            let scans = step.starts_with("SCAN") && !few.iter().any(|few| step.starts_with(few));
            assert!(!scans, "{}: {sql}: {step}", path.display());
        }
    }
}

#[tokio::test]
async fn what_is_asked_of_one_key_or_one_person_reads_their_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
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
    assert_eq!(looked, 6);
}

#[tokio::test]
async fn what_reports_count_is_in_an_index_and_no_record_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("wardkey.db")).await.unwrap();
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
    let words = [
        "sqlx::sqlite",
        "sqlx::query",
        "Sqlite",
        "PRAGMA",
        "INSERT OR",
        "rowid",
        "data_version",
        " hex(",
        "(hex(",
        " = ?",
    ];
    let on_disk = ["\"-wal\"", "\"-shm\"", "SQLite format"];
    // These look at the files themselves.
    let by_itself = ["restore/place/tests.rs"];
    let folder = root().join("store/sqlite");
    for (path, text) in sources(&root()) {
        let known = ["store/sqlite.rs", "store/statements.rs"];
        if known.iter().any(|name| path.ends_with(name)) || path.starts_with(&folder) {
            continue;
        }
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let is_by_itself = by_itself.iter().any(|name| path.ends_with(name));
        let on_disk = on_disk.iter().filter(|_| !is_by_itself);
        for word in words.iter().chain(on_disk) {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
}
