//! The published state: what a change of a person does to every scope of the person, and what the
//! publisher reads.

use std::collections::BTreeSet;

use wardkey_core::codec;
use wardkey_core::name::ScopeName;
use wardkey_core::person::PersonRecord;

use super::query::{Db, FromRow, Row, query};
use super::{break_glass, credential, loan, pass, person, scope};
use crate::error::{Error, Result};
use crate::texts::Text;

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

impl FromRow for StateRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { seq: row.get("seq")?, login: row.get("login")?, record: row.get("record")? })
    }
}

struct Published {
    scope: ScopeName,
    record: Option<Vec<u8>>,
}

impl FromRow for Published {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { scope: row.get("scope")?, record: row.get("record")? })
    }
}

/// Publishes a person as the tables now say: the record into every scope of the person, a tombstone
/// into every scope that the person has left. Where nothing changes, no sequence is taken. Returns
/// the number of scopes that changed.
pub async fn publish_person(db: &mut Db, id: i64) -> Result<usize> {
    let row = person::by_id(db, id).await?;
    let scopes = if row.status == person::PersonStatus::Deleted {
        BTreeSet::new()
    } else {
        person::scopes(db, id).await?
    };
    let bytes = codec::to_bytes(&record(db, &row).await?);
    if bytes.len() > <PersonRecord as codec::Document>::MAX_BYTES {
        return Err(Error::invalid(Text::RecordTooLong));
    }

    let login = row.login.as_str();
    let published = query("SELECT scope, record FROM state WHERE login = $1")
        .bind(login)
        .all::<Published>(db)
        .await?;
    let mut changed = 0;
    for before in &published {
        let after = scopes.contains(&before.scope).then_some(bytes.as_slice());
        if before.record.as_deref() != after {
            put(db, &before.scope, login, after).await?;
            changed += 1;
        }
    }

    for scope in
        scopes.iter().filter(|scope| published.iter().all(|before| before.scope != **scope))
    {
        put(db, scope, login, Some(&bytes)).await?;
        changed += 1;
    }
    Ok(changed)
}

async fn put(db: &mut Db, name: &ScopeName, login: &str, record: Option<&[u8]>) -> Result<()> {
    let seq = scope::next_seq(db, name).await?;
    query(
        "INSERT INTO state (scope, login, seq, record) VALUES ($1, $2, $3, $4)
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
pub async fn record(db: &mut Db, row: &person::PersonRow) -> Result<PersonRecord> {
    let groups = person::groups(db, row.id).await?;
    let credentials = credential::of_person(db, row.id).await?;
    let credentials = credentials
        .into_iter()
        .filter(|credential| credential.status != credential::CredentialStatus::Deleted)
        .map(|credential| credential.record())
        .collect();
    let mut record = row.record(groups, credentials)?;
    record.pass = pass::open_of(db, row.id).await?.map(|open| open.pass);
    record.loan = loan::published(db, row.id).await?;
    record.break_glass = break_glass::open_of(db, row.id).await?.map(|open| open.pass);
    Ok(record)
}

/// Rows after a sequence and up to another, ascending; at most `rows` of them, and no more than
/// make `bytes` together (but always one). True when more follow.
pub async fn page(
    db: &mut Db,
    scope: &ScopeName,
    (since, until): (u64, u64),
    rows: usize,
    bytes: usize,
) -> Result<(Vec<StateRow>, bool)> {
    // A whole state has no use for tombstones.
    let found = query(
        "SELECT seq, login, record FROM state
         WHERE scope = $1 AND seq > $2 AND seq <= $3 AND ($2 > 0 OR record IS NOT NULL)
         ORDER BY seq LIMIT $4",
    )
    .bind(scope)
    .bind(since)
    .bind(until)
    .bind(rows as u64 + 1)
    .all::<StateRow>(db)
    .await?;

    let mut page = Vec::with_capacity(found.len().min(rows));
    let mut total = 0usize;
    for row in found {
        total += 128 + row.record.as_ref().map_or(0, Vec::len);
        if page.len() == rows || (total > bytes && !page.is_empty()) {
            return Ok((page, true));
        }
        page.push(row);
    }
    Ok((page, false))
}

/// All rows of a scope after a sequence, given to `each` one by one.
pub async fn each_after(
    db: &mut Db,
    scope: &ScopeName,
    mut since: u64,
    mut each: impl FnMut(StateRow) -> Result<()>,
) -> Result<()> {
    const ROWS: usize = 4096;
    loop {
        let rows = query(
            "SELECT seq, login, record FROM state \
             WHERE scope = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(scope)
        .bind(since)
        .bind(ROWS as u64)
        .all::<StateRow>(db)
        .await?;
        let more = rows.len() == ROWS;
        for row in rows {
            since = row.seq;
            each(row)?;
        }
        if !more {
            return Ok(());
        }
    }
}
