//! Passes. A person has one at a time. What the person types is known to nobody: the store has the
//! public key that was made of it.

use wardkey_core::id::{PassId, TerminalId};
use wardkey_core::name::LoginName;
use wardkey_core::pass::{HASH, Pass};
use wardkey_core::time::UnixTime;

use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, Row, query};
use super::value::words;
use crate::error::Result;

/// What ended a pass before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its person logged in with the key.
    Key,
    /// An administrator.
    Administrator,
    /// A newer pass of the same person.
    AnotherPass,
    /// Its time was over, and the record was needed for another one.
    Time,
}
words!(
    EndedBy,
    "what ended a pass",
    Key = "key",
    Administrator = "administrator",
    AnotherPass = "another-pass",
    Time = "time"
);

/// A pass, as stored.
#[derive(Clone, Debug)]
pub struct StoredPass {
    /// Row.
    pub number: i64,
    /// Row of the person.
    pub person: i64,
    /// Login name of the person.
    pub login: LoginName,
    /// As it is published.
    pub pass: Pass,
    /// When it was last used.
    pub used: Option<UnixTime>,
    /// When it ended before its time.
    pub ended: Option<UnixTime>,
    /// What ended it.
    pub ended_by: Option<EndedBy>,
}

impl FromRow for StoredPass {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            person: row.get("person")?,
            login: row.get("login")?,
            pass: published(row, row.get("terminal")?)?,
            used: row.get("used")?,
            ended: row.get("ended")?,
            ended_by: row.get("ended_by")?,
        })
    }
}

/// What is published of a pass or a sealed code, of the columns that both have.
pub(super) fn published(row: &Row, terminal: Option<TerminalId>) -> Result<Pass> {
    Ok(Pass {
        id: row.get("id")?,
        salt: row.get("salt")?,
        hash: HASH,
        key: row.get("key")?,
        from: row.get("begins")?,
        until: row.get("until")?,
        scope: row.get("scope")?,
        terminal,
        issuer: row.get("issuer")?,
        reason: row.get("reason")?,
    })
}

const SELECT: &str = "SELECT pass.number, pass.id, pass.person, person.login, pass.salt, pass.key, \
    pass.begins, pass.until, pass.scope, pass.terminal, pass.issuer, pass.reason, pass.used, \
    pass.ended, pass.ended_by FROM pass JOIN person ON person.id = pass.person ";

/// Passes, the newest first; searched in the login name.
///
/// # Errors
/// [`Error::Refused`] when `after` is of no page.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<StoredPass>> {
    let rows = query(SELECT)
        .then(
            "WHERE pass.number < $1
                 AND (CAST($2 AS TEXT) IS NULL OR lower(person.login) LIKE $2 ESCAPE '\\')",
        )
        .bind(request.after_number(i64::MAX)?)
        .bind(request.pattern())
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = pass.person AND person_scope.scope IN ",
        )
        .then(" ORDER BY pass.number DESC LIMIT $3")
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |listed: &StoredPass| listed.number.to_string()))
}

/// The pass of a person that has not ended; its time may be over.
pub async fn open_of(db: &mut Db, person: i64) -> Result<Option<StoredPass>> {
    query(SELECT)
        .then("WHERE pass.person = $1 AND pass.ended IS NULL")
        .bind(person)
        .optional(db)
        .await
}

/// The latest pass of a person.
pub async fn latest_of(db: &mut Db, person: i64) -> Result<Option<StoredPass>> {
    query(SELECT)
        .then("WHERE pass.person = $1 ORDER BY pass.number DESC LIMIT 1")
        .bind(person)
        .optional(db)
        .await
}

/// The pass with an id.
pub async fn find(db: &mut Db, id: &PassId) -> Result<Option<StoredPass>> {
    query(SELECT).then("WHERE pass.id = $1").bind(id).optional(db).await
}

/// Adds a pass; the one before must have ended.
pub async fn add(db: &mut Db, person: i64, pass: &Pass) -> Result<()> {
    query(
        "INSERT INTO pass (id, person, salt, key, begins, until, scope, terminal, issuer, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&pass.id)
    .bind(person)
    .bind(&pass.salt)
    .bind(&pass.key)
    .bind(pass.from)
    .bind(pass.until)
    .bind(pass.scope.as_ref())
    .bind(pass.terminal.as_ref())
    .bind(&pass.issuer)
    .bind(&pass.reason)
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the open pass of a person; none when there is none.
pub async fn end(
    db: &mut Db,
    person: i64,
    by: EndedBy,
    now: UnixTime,
) -> Result<Option<StoredPass>> {
    let Some(open) = open_of(db, person).await? else { return Ok(None) };
    query("UPDATE pass SET ended = $1, ended_by = $2 WHERE number = $3 AND ended IS NULL")
        .bind(now)
        .bind(by)
        .bind(open.number)
        .execute(db)
        .await?;
    Ok(Some(open))
}

/// Remembers a verified login by a pass.
pub async fn used(db: &mut Db, pass: &StoredPass, time: UnixTime) -> Result<()> {
    query("UPDATE pass SET used = $1 WHERE number = $2 AND (used IS NULL OR used < $1)")
        .bind(time)
        .bind(pass.number)
        .execute(db)
        .await?;
    Ok(())
}
