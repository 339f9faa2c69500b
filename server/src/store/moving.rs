//! All of a store, from a file to a database of PostgreSQL.
//!
//! ```text
//!   tables, in the order of their references ──> pages of rows, in the order of their keys
//!        ──> written ──> read back in the same order ──> as many, and the same hash
//! ```
//! The tables are those of the schema: nobody lists them. A page is all that is held in memory.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256, digest};
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::id::to_hex;
use wardkey_core::texts;

use super::audit::{self, Entry};
pub use super::moved::Shape;
use super::moved::{ARRIVING, MOVED_TO, SETTLED};
use super::postgresql::{Address, unfit};
use super::query::{Db, Only, query};
use super::value::Value;
use super::{database, setting};
use crate::error::{Error, Result};
use crate::texts::Text;

/// Rows that are read and written at once.
pub const PAGE: usize = 500;
/// Tables of a new store in which something is; a test compares.
const FILLED: [&str; 2] = ["counter", "event_log"];

/// A table that was copied, and read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 over them in the order of their keys, hexadecimal digits.
    pub sha256: String,
}

/// How far a table is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Its name.
    pub table: &'a str,
    /// Rows that were written.
    pub rows: u64,
    /// Rows that there are.
    pub all: u64,
}

/// Where what is in a file was moved, if it was.
pub async fn moved_to(from: &mut Db) -> Result<Option<String>> {
    setting::find(from, MOVED_TO).await
}

/// Says in a file that its deployment is elsewhere from now on.
pub async fn mark_moved(from: &mut Db, to: &Address) -> Result<()> {
    setting::put(from, MOVED_TO, &to.to_string()).await
}

/// Says in a file that it is served from there: there is no way back.
pub async fn mark_settled(from: &mut Db) -> Result<()> {
    setting::put(from, SETTLED, "1").await
}

/// Whether a file says so.
pub async fn is_settled(from: &mut Db) -> Result<bool> {
    Ok(setting::find(from, SETTLED).await?.is_some())
}

/// Whether a move to a database was not finished.
pub async fn is_arriving(to: &mut Db) -> Result<bool> {
    Ok(setting::find(to, ARRIVING).await?.is_some())
}

/// Says in a database that the one before goes on, and which one that is: by its first root
/// document and the last row of its trail.
pub async fn mark_arriving(to: &mut Db, last: &Entry) -> Result<()> {
    // What the file says of itself is not what this one is.
    forget(to, MOVED_TO).await?;
    let mark = mark(to, last).await?;
    setting::put(to, ARRIVING, &mark).await
}

/// Whose deployment it is: trails that begin alike can be of two.
async fn whose(db: &mut Db) -> Result<String> {
    let first = query("SELECT by_itself FROM root ORDER BY version LIMIT 1");
    let Only(first) = first.one::<Only<Vec<u8>>>(db).await?;
    Ok(to_hex(digest(&SHA256, &first).as_ref()))
}

/// Says that a move is finished.
pub async fn mark_arrived(to: &mut Db) -> Result<()> {
    forget(to, ARRIVING).await
}

async fn forget(db: &mut Db, name: &str) -> Result<()> {
    query("DELETE FROM setting WHERE name = $1").bind(name).execute(db).await?;
    Ok(())
}

/// Keeps servers of every machine from a database until this transaction ends.
pub async fn keep_servers_out(to: &mut Db, at: &Address) -> Result<()> {
    to.driver.keep_servers_out(at).await
}

/// Whether what is there went on from all that is here.
pub async fn went_on(from: &mut Db, to: &mut Db) -> Result<bool> {
    let Some(last) = audit::last(from).await? else { return Ok(false) };
    let here = mark(from, &last).await?;
    Ok(!is_empty(from, to).await? && is_from(to, &here).await?)
}

/// Whether a database has nothing in it that a new one has not.
async fn is_empty(from: &mut Db, to: &mut Db) -> Result<bool> {
    Ok(first_filled(to, &from.driver.shapes().await?).await?.is_none())
}

/// What is known of a deployment: its first root document, and the last row of its trail.
async fn mark(db: &mut Db, last: &Entry) -> Result<String> {
    Ok(format!("{} {} {}", whose(db).await?, last.seq, last.chain))
}

/// Whether what is arriving comes from here: the trail goes on from its row.
async fn is_from(from: &mut Db, arriving: &str) -> Result<bool> {
    let parts: Vec<&str> = arriving.split(' ').collect();
    let [deployment, seq, chain] = parts[..] else { return Ok(false) };
    let Ok(seq) = seq.parse::<i64>() else { return Ok(false) };
    if whose(from).await? != deployment {
        return Ok(false);
    }
    let row = query("SELECT chain FROM audit WHERE seq = $1").bind(seq);
    let row: Option<Only<Vec<u8>>> = row.optional(from).await?;
    Ok(row.is_some_and(|Only(here)| to_hex(&here) == chain))
}

/// Copies every table and compares what came of it. Both transactions are the caller's: what is not
/// committed was not copied.
///
/// # Errors
/// [`Code::MoveTarget`] when rows are there, [`Code::MoveFailed`], [`Code::MoveDiffers`].
pub async fn copy(
    from: &mut Db,
    (to, address): (&mut Db, &Address),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Copied>> {
    let tables = in_order(from.driver.shapes().await?)?;
    if let Some(arriving) = setting::find(to, ARRIVING).await? {
        if !is_from(from, &arriving).await? {
            return Err(unfit(address, Text::MoveOther.into()));
        }
        to.driver.empty(&tables).await?;
    }
    make_room(to, &tables, address).await?;

    let mut copied = Vec::with_capacity(tables.len());
    for table in &tables {
        let failed = |error: Error| {
            let why = error.to_string().into();
            let args = vec![("table", table.name.as_str().into()), ("why", why)];
            Error::refused(Code::MoveFailed, texts::phrase(Code::MoveFailed, args)).caused_by(error)
        };
        let written = write(from, to, table, progress).await.map_err(failed)?;
        let read = read_over(to, table).await.map_err(failed)?;
        if read != written {
            let args = vec![("table", table.name.as_str().into()), ("address", address.phrase())];
            let message = texts::phrase(Code::MoveDiffers, args);
            return Err(Error::refused(Code::MoveDiffers, message));
        }
        copied.push(written);
    }
    Ok(copied)
}

/// Every table behind those that it refers to.
fn in_order(mut left: Vec<Shape>) -> Result<Vec<Shape>> {
    let (mut ordered, mut known) = (Vec::with_capacity(left.len()), BTreeSet::new());
    while !left.is_empty() {
        let is_next =
            |table: &Shape| table.refers.iter().all(|to| *to == table.name || known.contains(to));
        let (next, later): (Vec<_>, Vec<_>) = left.into_iter().partition(is_next);
        if next.is_empty() {
            return Err(Error::damaged("tables that refer to each other in a circle"));
        }
        known.extend(next.iter().map(|table| table.name.clone()));
        ordered.extend(next);
        left = later;
    }
    Ok(ordered)
}

/// Refuses a database in which anything is but what a new one has, and takes that away.
async fn make_room(to: &mut Db, tables: &[Shape], address: &Address) -> Result<()> {
    if let Some(table) = first_filled(to, tables).await? {
        return Err(unfit(address, Text::MoveNotEmpty.with([("table", table.into())])));
    }
    for name in FILLED.map(quoted) {
        to.driver.execute(format!("DELETE FROM {name}").into(), vec![]).await?;
    }
    Ok(())
}

/// The first table with a row that a new database has not.
async fn first_filled(to: &mut Db, tables: &[Shape]) -> Result<Option<String>> {
    for table in tables {
        let sql = format!("SELECT 1 AS one FROM {} LIMIT 1", quoted(&table.name));
        let is_new = FILLED.contains(&table.name.as_str());
        if !is_new && !to.driver.fetch(sql.into(), vec![]).await?.is_empty() {
            return Ok(Some(table.name.clone()));
        }
    }
    Ok(None)
}

async fn write(
    from: &mut Db,
    to: &mut Db,
    table: &Shape,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Copied> {
    let count = format!("SELECT count(*) AS number FROM {}", quoted(&table.name));
    let counted = from.driver.fetch(count.into(), vec![]).await?;
    let all = match counted.first().map(database::Row::only).transpose()? {
        Some(Value::Integer(all)) => all.unsigned_abs(),
        _ => 0,
    };

    let mut rows = 0;
    let insert = async |page: Vec<Vec<Value>>| -> Result<()> {
        rows += page.len() as u64;
        to.driver.execute(insertion(table, page.len()).into(), page.concat()).await?;
        progress(Progress { table: &table.name, rows, all });
        Ok(())
    };
    let written = each_page(from, table, insert).await?;
    to.driver.look_over(table).await?;
    Ok(written)
}

/// Reads a table, for how many rows it has and their hash.
async fn read_over(db: &mut Db, table: &Shape) -> Result<Copied> {
    each_page(db, table, async |_: Vec<Vec<Value>>| -> Result<()> { Ok(()) }).await
}

/// Reads a table page by page in the order of its key; how many rows they were, and their hash.
async fn each_page(
    db: &mut Db,
    table: &Shape,
    mut act: impl AsyncFnMut(Vec<Vec<Value>>) -> Result<()>,
) -> Result<Copied> {
    let (mut hash, mut rows, mut last) = (Context::new(&SHA256), 0, Vec::new());
    loop {
        let sql = selection(table, !last.is_empty());
        let read = db.driver.fetch(sql.into(), std::mem::take(&mut last)).await?;
        let mut page = Vec::with_capacity(read.len());
        for row in &read {
            let values: Result<Vec<Value>, sqlx::Error> =
                table.columns.iter().map(|column| row.value(column)).collect();
            page.push(values?);
        }
        let Some(end) = read.last() else { break };
        let key: Result<Vec<Value>, sqlx::Error> =
            table.key.iter().map(|column| end.value(column)).collect();
        last = key?;

        rows += page.len() as u64;
        page.iter().flatten().for_each(|value| take(&mut hash, value));
        let is_last = page.len() < PAGE;
        act(page).await?;
        if is_last {
            break;
        }
    }
    let sha256 = to_hex(hash.finish().as_ref());
    Ok(Copied { name: table.name.clone(), rows, sha256 })
}

/// A value in the hash: what it is, how long, and its bytes.
fn take(hash: &mut Context, value: &Value) {
    let mut part = |kind: u8, bytes: &[u8]| {
        hash.update(&[kind]);
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match value {
        Value::Null => part(0, &[]),
        Value::Integer(number) => part(1, &number.to_be_bytes()),
        Value::Text(text) => part(2, text.as_bytes()),
        Value::Bytes(bytes) => part(3, bytes),
    }
}

/// A name of the schema, as it stands in a statement.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// `($1, $2)`, from a number on.
fn places(from: usize, count: usize) -> String {
    let places: Vec<String> = (from..from + count).map(|number| format!("${number}")).collect();
    format!("({})", places.join(", "))
}

/// A page of a table, the first one or the one behind a key.
fn selection(table: &Shape, goes_on: bool) -> String {
    let (columns, name) = (listed(&table.columns), quoted(&table.name));
    let key = listed(&table.key);
    let behind = if goes_on {
        format!(" WHERE ({key}) > {}", places(1, table.key.len()))
    } else {
        String::new()
    };
    format!("SELECT {columns} FROM {name}{behind} ORDER BY {key} LIMIT {PAGE}")
}

/// As many rows for a table.
fn insertion(table: &Shape, rows: usize) -> String {
    let width = table.columns.len();
    let rows: Vec<String> = (0..rows).map(|row| places(row * width + 1, width)).collect();
    let (name, columns) = (quoted(&table.name), listed(&table.columns));
    format!("INSERT INTO {name} ({columns}) VALUES {}", rows.join(", "))
}

#[cfg(test)]
mod tests;
