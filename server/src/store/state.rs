//! The published state: what a change of a person does to every scope of the person, and what the
//! publisher reads.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};
use wardkey_core::codec;
use wardkey_core::name::ScopeName;
use wardkey_core::person::PersonRecord;

use super::{credential, person, scope, to_i64, to_u64};
use crate::error::{Error, Result};

/// A row of a scope's state.
#[derive(Clone, Debug)]
pub struct StateRow {
    /// Sequence of the latest change.
    pub seq: u64,
    /// Login name.
    pub login: String,
    /// The record's encoding; none for a tombstone.
    pub record: Option<Vec<u8>>,
}

/// Publishes a person as the tables now say: the record into every scope of the person, a tombstone
/// into every scope that the person has left. Where nothing changes, no sequence is taken. Returns
/// the number of scopes that changed.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn publish_person(db: &mut SqliteConnection, id: i64) -> Result<usize> {
    let row = person::by_id(db, id).await?;
    let scopes =
        if row.status == person::PersonStatus::Deleted { BTreeSet::new() } else { person::scopes(db, id).await? };
    let record = record(db, &row).await?;
    let bytes = codec::to_bytes(&record);
    if bytes.len() > <PersonRecord as codec::Document>::MAX_BYTES {
        return Err(Error::invalid("the person's record would be too long"));
    }
    let login = row.login.as_str();
    let published =
        sqlx::query("SELECT scope, record FROM state WHERE login = ?").bind(login).fetch_all(&mut *db).await?;
    let mut changed = 0;
    let mut have = BTreeSet::new();
    for row in published {
        let name: String = row.try_get(0)?;
        let before: Option<Vec<u8>> = row.try_get(1)?;
        let wanted = scopes.iter().any(|scope| scope.as_str() == name);
        let after = wanted.then_some(bytes.as_slice());
        if before.as_deref() != after {
            put(db, &name, login, after).await?;
            changed += 1;
        }
        have.insert(name);
    }
    for scope in scopes.iter().filter(|scope| !have.contains(scope.as_str())) {
        put(db, scope.as_str(), login, Some(&bytes)).await?;
        changed += 1;
    }
    Ok(changed)
}

async fn put(db: &mut SqliteConnection, name: &str, login: &str, record: Option<&[u8]>) -> Result<()> {
    let seq = scope::next_seq(db, name).await?;
    sqlx::query(
        "INSERT INTO state (scope, login, seq, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (scope, login) DO UPDATE SET seq = excluded.seq, record = excluded.record",
    )
    .bind(name)
    .bind(login)
    .bind(seq)
    .bind(record)
    .execute(db)
    .await?;
    Ok(())
}

/// The record of a person as it is published.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn record(db: &mut SqliteConnection, row: &person::Person) -> Result<PersonRecord> {
    let groups = person::groups(db, row.id).await?;
    let credentials = credential::of_person(db, row.id).await?;
    let credentials = credentials
        .into_iter()
        .filter(|credential| credential.status != credential::CredentialStatus::Deleted)
        .map(|credential| credential.record())
        .collect();
    row.record(groups, credentials)
}

/// Rows after a sequence and up to another, ascending; at most `rows` of them, and no more than make
/// `bytes` together (but always one).
///
/// # Errors
/// [`Error::Store`].
pub async fn page(
    db: &mut SqliteConnection,
    scope: &ScopeName,
    (since, until): (u64, u64),
    rows: usize,
    bytes: usize,
) -> Result<(Vec<StateRow>, bool)> {
    // A whole state has no use for tombstones.
    let found = sqlx::query(
        "SELECT seq, login, record FROM state
         WHERE scope = ?1 AND seq > ?2 AND seq <= ?3 AND (?2 > 0 OR record IS NOT NULL) ORDER BY seq LIMIT ?4",
    )
    .bind(scope.as_str())
    .bind(to_i64(since))
    .bind(to_i64(until))
    .bind(to_i64(rows as u64 + 1))
    .fetch_all(db)
    .await?;
    let mut page = Vec::with_capacity(found.len().min(rows));
    let mut total = 0usize;
    for row in found {
        let row = read(&row)?;
        total += 128 + row.record.as_ref().map_or(0, Vec::len);
        if page.len() == rows || (total > bytes && !page.is_empty()) {
            return Ok((page, true));
        }
        page.push(row);
    }
    Ok((page, false))
}

/// All rows of a scope after a sequence, given to `each` one by one.
///
/// # Errors
/// [`Error::Store`].
pub async fn each_after(
    db: &mut SqliteConnection,
    scope: &ScopeName,
    since: u64,
    mut each: impl FnMut(StateRow) -> Result<()>,
) -> Result<()> {
    let mut since = since;
    loop {
        let (rows, more) = page_of_all(db, scope, since).await?;
        for row in rows {
            since = row.seq;
            each(row)?;
        }
        if !more {
            return Ok(());
        }
    }
}

async fn page_of_all(db: &mut SqliteConnection, scope: &ScopeName, since: u64) -> Result<(Vec<StateRow>, bool)> {
    const ROWS: usize = 4096;
    let rows = sqlx::query("SELECT seq, login, record FROM state WHERE scope = ? AND seq > ? ORDER BY seq LIMIT ?")
        .bind(scope.as_str())
        .bind(to_i64(since))
        .bind(to_i64(ROWS as u64))
        .fetch_all(db)
        .await?;
    let rows: Vec<StateRow> = rows.iter().map(read).collect::<Result<_>>()?;
    let more = rows.len() == ROWS;
    Ok((rows, more))
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<StateRow> {
    Ok(StateRow { seq: to_u64(row.try_get(0)?)?, login: row.try_get(1)?, record: row.try_get(2)? })
}
