//! Sealed codes (break-glass). An account has one at a time. What stands in the envelope is known
//! to nobody: the store has the public key that was made of it.

use wardkey_core::id::{EventId, PassId, TerminalId};
use wardkey_core::name::LoginName;
use wardkey_core::pass::Pass;
use wardkey_core::time::UnixTime;

use super::page::{Page, PageRequest};
use super::pass;
use super::query::{Db, FromRow, Only, Row, query};
use super::value::words;
use crate::error::Result;

/// What made a sealed code void before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Somebody logged in by it.
    Use,
    /// An administrator.
    Administrator,
    /// Another one for the same account.
    Another,
    /// Its time was over, and the record was needed for another one.
    Time,
    /// The server was restored from a backup.
    Restore,
}
words!(
    EndedBy,
    "what made a sealed code void",
    Use = "use",
    Administrator = "administrator",
    Another = "another",
    Time = "time",
    Restore = "restore"
);

/// A sealed code, as stored.
#[derive(Clone, Debug)]
pub struct StoredSealed {
    /// Row.
    pub number: i64,
    /// Row of the account's person.
    pub person: i64,
    /// Login name of the account.
    pub login: LoginName,
    /// As it is published.
    pub pass: Pass,
    /// When it was used first.
    pub used: Option<UnixTime>,
    /// The name of the terminal where that was.
    pub used_at: Option<String>,
    /// How often it was used.
    pub uses: u64,
    /// When somebody said that its use was looked into.
    pub cleared: Option<UnixTime>,
    /// When it became void before its time.
    pub ended: Option<UnixTime>,
    /// By what.
    pub ended_by: Option<EndedBy>,
}

impl FromRow for StoredSealed {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            person: row.get("person")?,
            login: row.get("login")?,
            // Valid at the terminals of a scope, and never at one alone.
            pass: pass::published(row, None)?,
            used: row.get("used")?,
            used_at: row.get("used_at_name")?,
            uses: row.get("uses")?,
            cleared: row.get("cleared")?,
            ended: row.get("ended")?,
            ended_by: row.get("ended_by")?,
        })
    }
}

const SELECT: &str = "SELECT break_glass.number, break_glass.id, break_glass.person, person.login, \
    break_glass.salt, break_glass.key, break_glass.begins, break_glass.until, break_glass.scope, \
    break_glass.issuer, break_glass.reason, break_glass.used, terminal.name AS used_at_name, \
    break_glass.uses, break_glass.cleared, break_glass.ended, break_glass.ended_by \
    FROM break_glass JOIN person ON person.id = break_glass.person \
        LEFT JOIN terminal ON terminal.id = break_glass.used_at ";

/// Sealed codes, the newest first; searched in the login name.
///
/// # Errors
/// [`Error::Refused`](crate::error::Error::Refused) when `after` is of no page.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<StoredSealed>> {
    let rows = query(SELECT)
        .then(
            "WHERE break_glass.number < $1
                 AND (CAST($2 AS TEXT) IS NULL OR lower(person.login) LIKE $2 ESCAPE '\\')
             ORDER BY break_glass.number DESC LIMIT $3",
        )
        .bind(request.after_number(i64::MAX)?)
        .bind(request.pattern())
        .bind(request.rows())
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |listed: &StoredSealed| listed.number.to_string()))
}

/// The sealed code of an account that is not void; its time may be over.
pub async fn open_of(db: &mut Db, person: i64) -> Result<Option<StoredSealed>> {
    query(SELECT)
        .then("WHERE break_glass.person = $1 AND break_glass.ended IS NULL")
        .bind(person)
        .optional(db)
        .await
}

/// The latest sealed code of an account.
pub async fn latest_of(db: &mut Db, person: i64) -> Result<Option<StoredSealed>> {
    query(SELECT)
        .then("WHERE break_glass.person = $1 ORDER BY break_glass.number DESC LIMIT 1")
        .bind(person)
        .optional(db)
        .await
}

/// The sealed code with an id.
pub async fn find(db: &mut Db, id: &PassId) -> Result<Option<StoredSealed>> {
    query(SELECT).then("WHERE break_glass.id = $1").bind(id).optional(db).await
}

/// Adds a sealed code; the one before must be void.
pub async fn add(db: &mut Db, person: i64, sealed: &Pass) -> Result<()> {
    query(
        "INSERT INTO break_glass (id, person, salt, key, begins, until, scope, issuer, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&sealed.id)
    .bind(person)
    .bind(&sealed.salt)
    .bind(&sealed.key)
    .bind(sealed.from)
    .bind(sealed.until)
    .bind(sealed.scope.as_ref())
    .bind(&sealed.issuer)
    .bind(&sealed.reason)
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the open sealed code of an account void; none when there is none.
pub async fn end(
    db: &mut Db,
    person: i64,
    by: EndedBy,
    now: UnixTime,
) -> Result<Option<StoredSealed>> {
    let Some(open) = open_of(db, person).await? else { return Ok(None) };
    query("UPDATE break_glass SET ended = $1, ended_by = $2 WHERE number = $3 AND ended IS NULL")
        .bind(now)
        .bind(by)
        .bind(open.number)
        .execute(db)
        .await?;
    Ok(Some(open))
}

/// Remembers a login that a sealed code signed, which is void from now on. The first one is kept; a
/// further one is another alarm, also when somebody had looked into the one before. False: this
/// login is known.
pub async fn used(
    db: &mut Db,
    sealed: &StoredSealed,
    (login, time, terminal): (&EventId, UnixTime, &TerminalId),
    now: UnixTime,
) -> Result<bool> {
    let added = query(
        "INSERT INTO break_glass_use (sealed, event, terminal, time) VALUES ($1, $2, $3, $4)
         ON CONFLICT (sealed, event) DO NOTHING",
    )
    .bind(sealed.number)
    .bind(login)
    .bind(terminal)
    .bind(time)
    .execute(db)
    .await?;
    if added == 0 {
        return Ok(false);
    }
    query(
        "UPDATE break_glass SET uses = uses + 1, cleared = NULL, used = COALESCE(used, $1),
             used_at = COALESCE(used_at, $2), ended = COALESCE(ended, $3),
             ended_by = COALESCE(ended_by, $4)
         WHERE number = $5",
    )
    .bind(time)
    .bind(terminal)
    .bind(now)
    .bind(EndedBy::Use)
    .bind(sealed.number)
    .execute(db)
    .await?;
    Ok(true)
}

/// Says that the uses of an account's sealed codes were looked into; how many there were.
pub async fn clear(db: &mut Db, person: i64, now: UnixTime) -> Result<u64> {
    query(
        "UPDATE break_glass SET cleared = $1
         WHERE person = $2 AND used IS NOT NULL AND cleared IS NULL",
    )
    .bind(now)
    .bind(person)
    .execute(db)
    .await
}

/// Uses of sealed codes that nobody has looked into.
pub async fn alarming(db: &mut Db) -> Result<u64> {
    // A sum is no BIGINT in PostgreSQL.
    let Only(count) = query(
        "SELECT CAST(COALESCE(sum(uses), 0) AS BIGINT) FROM break_glass
         WHERE used IS NOT NULL AND cleared IS NULL",
    )
    .one(db)
    .await?;
    Ok(count)
}
