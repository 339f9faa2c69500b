//! One-time enrolment codes. Only a keyed hash is stored. A code is used up by the registration that
//! succeeds, in the same transaction; what fails for any other reason leaves it usable until it expires.

use sqlx::{Row, SqliteConnection};
use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::time::UnixTime;

use super::{to_i64, to_some_time, to_time};
use crate::error::{Error, Result};

/// A code that may be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCode {
    /// Row.
    pub id: i64,
    /// Row of the person.
    pub person: i64,
}

/// Adds a code.
///
/// # Errors
/// [`Error::Store`].
pub async fn add(
    db: &mut SqliteConnection,
    hash: &Hash,
    person: i64,
    (created, expires): (UnixTime, UnixTime),
) -> Result<()> {
    sqlx::query("INSERT INTO enrolment_code (hash, person, created, expires) VALUES (?, ?, ?, ?)")
        .bind(hash.as_bytes().as_slice())
        .bind(person)
        .bind(to_i64(created.0))
        .bind(to_i64(expires.0))
        .execute(db)
        .await?;
    Ok(())
}

/// The code with this hash, when it is neither used nor expired.
///
/// # Errors
/// [`Code::EnrolmentCodeInvalid`], in the same words whatever is wrong with it.
pub async fn open(db: &mut SqliteConnection, hash: &Hash, now: UnixTime) -> Result<OpenCode> {
    let row = sqlx::query("SELECT id, person, expires, used FROM enrolment_code WHERE hash = ?")
        .bind(hash.as_bytes().as_slice())
        .fetch_optional(db)
        .await?;
    let Some(row) = row else { return Err(invalid()) };
    let used = to_some_time(row.try_get(3)?)?;
    if used.is_some() || now >= to_time(row.try_get(2)?)? {
        return Err(invalid());
    }
    Ok(OpenCode { id: row.try_get(0)?, person: row.try_get(1)? })
}

/// Uses a code up.
///
/// # Errors
/// [`Code::EnrolmentCodeInvalid`] when another registration was quicker, or it has expired meanwhile.
pub async fn use_up(db: &mut SqliteConnection, code: OpenCode, now: UnixTime) -> Result<()> {
    let done = sqlx::query("UPDATE enrolment_code SET used = ?1 WHERE id = ?2 AND used IS NULL AND expires > ?1")
        .bind(to_i64(now.0))
        .bind(code.id)
        .execute(db)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(invalid()) }
}

/// Withdraws every open code of a person. Returns how many there were.
///
/// # Errors
/// [`Error::Store`].
pub async fn withdraw(db: &mut SqliteConnection, person: i64, now: UnixTime) -> Result<u64> {
    let done = sqlx::query("UPDATE enrolment_code SET used = ? WHERE person = ? AND used IS NULL")
        .bind(to_i64(now.0))
        .bind(person)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// The one refusal of codes.
pub fn invalid() -> Error {
    Error::refused(Code::EnrolmentCodeInvalid, "the enrolment code is wrong, used or expired")
}
