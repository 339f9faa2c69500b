//! One-time enrollment codes. Only a keyed hash is stored. A code is used up by the registration
//! that succeeds, in the same transaction; what fails for any other reason leaves it usable until
//! it expires.

use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, Row, query};
use crate::error::{Error, Result};

/// A code that may be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCode {
    /// Row.
    pub id: i64,
    /// Row of the person.
    pub person: i64,
}

/// A code as it stands in a list. What was typed is known to nobody.
#[derive(Clone, Debug)]
pub struct ListedCode {
    /// Row.
    pub id: i64,
    /// Whose it is.
    pub login: LoginName,
    /// When it was made.
    pub created: UnixTime,
    /// Not valid from this on.
    pub expires: UnixTime,
    /// When it was used or withdrawn.
    pub used: Option<UnixTime>,
}

impl FromRow for ListedCode {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            login: row.get("login")?,
            created: row.get("created")?,
            expires: row.get("expires")?,
            used: row.get("used")?,
        })
    }
}

const SELECT: &str = "SELECT enrollment_code.id, person.login, enrollment_code.created, \
    enrollment_code.expires, enrollment_code.used
    FROM enrollment_code JOIN person ON person.id = enrollment_code.person ";

/// Codes, the newest first; searched in the login name.
///
/// # Errors
/// [`Error::Refused`] when `after` is of no page.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<ListedCode>> {
    let rows = query(SELECT)
        .then(
            "WHERE enrollment_code.id < $1
                 AND (CAST($2 AS TEXT) IS NULL OR lower(person.login) LIKE $2 ESCAPE '\\')",
        )
        .bind(request.after_number(i64::MAX)?)
        .bind(request.pattern())
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = enrollment_code.person AND person_scope.scope IN ",
        )
        .then(" ORDER BY enrollment_code.id DESC LIMIT $3")
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |code: &ListedCode| code.id.to_string()))
}

/// The latest code of a person, whatever became of it.
pub async fn latest_of(db: &mut Db, person: i64) -> Result<Option<ListedCode>> {
    query(SELECT)
        .then("WHERE enrollment_code.person = $1 ORDER BY enrollment_code.id DESC LIMIT 1")
        .bind(person)
        .optional(db)
        .await
}

/// Adds a code.
pub async fn add(
    db: &mut Db,
    hash: &Hash,
    person: i64,
    (created, expires): (UnixTime, UnixTime),
) -> Result<()> {
    query("INSERT INTO enrollment_code (hash, person, created, expires) VALUES ($1, $2, $3, $4)")
        .bind(hash)
        .bind(person)
        .bind(created)
        .bind(expires)
        .execute(db)
        .await?;
    Ok(())
}

struct Kept {
    open: OpenCode,
    expires: UnixTime,
    used: Option<UnixTime>,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            open: OpenCode { id: row.get("id")?, person: row.get("person")? },
            expires: row.get("expires")?,
            used: row.get("used")?,
        })
    }
}

/// The code with this hash, when it is neither used nor expired.
///
/// # Errors
/// [`Code::EnrollmentCodeInvalid`], in the same words whatever is wrong with it.
pub async fn open(db: &mut Db, hash: &Hash, now: UnixTime) -> Result<OpenCode> {
    let found = query("SELECT id, person, expires, used FROM enrollment_code WHERE hash = $1")
        .bind(hash)
        .optional::<Kept>(db)
        .await?;
    match found {
        Some(kept) if kept.used.is_none() && now < kept.expires => Ok(kept.open),
        _ => Err(invalid()),
    }
}

/// Uses a code up.
///
/// # Errors
/// [`Code::EnrollmentCodeInvalid`] when another registration was quicker, or it has expired
/// meanwhile.
pub async fn use_up(db: &mut Db, code: OpenCode, now: UnixTime) -> Result<()> {
    let used = query(
        "UPDATE enrollment_code SET used = $1 WHERE id = $2 AND used IS NULL AND expires > $1",
    )
    .bind(now)
    .bind(code.id)
    .execute(db)
    .await?;
    if used == 1 { Ok(()) } else { Err(invalid()) }
}

/// Withdraws every open code of a person. Returns how many there were.
pub async fn withdraw(db: &mut Db, person: i64, now: UnixTime) -> Result<u64> {
    query("UPDATE enrollment_code SET used = $1 WHERE person = $2 AND used IS NULL")
        .bind(now)
        .bind(person)
        .execute(db)
        .await
}

/// The one refusal of codes.
pub fn invalid() -> Error {
    Error::refused(Code::EnrollmentCodeInvalid, "the enrollment code is wrong, used or expired")
}
