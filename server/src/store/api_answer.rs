//! Answers to requests that name themselves (`Idempotency-Key`): the same request gets the same
//! answer for a day, and nothing is done twice. What is kept is sealed by who asked.

use wardkey_core::id::Hash;
use wardkey_core::time::UnixTime;

use super::api_key::ID_LEN;
use super::query::{Db, FromRow, Row, query};
use crate::error::Result;

/// Seconds for which an answer is kept.
pub const KEPT: u64 = 86_400;

/// An answer that was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// SHA-256 of the request.
    pub request: Hash,
    /// The answer, sealed.
    pub answer: Vec<u8>,
}

impl FromRow for Given {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { request: row.get("request")?, answer: row.get("answer")? })
    }
}

/// Throws away what is older than [`KEPT`].
pub async fn forget(db: &mut Db, now: UnixTime) -> Result<()> {
    query("DELETE FROM api_answer WHERE time < $1")
        .bind(now.0.saturating_sub(KEPT))
        .execute(db)
        .await?;
    Ok(())
}

/// What was answered to the request of this name. What is over is thrown away before.
pub async fn find(
    db: &mut Db,
    (key, name): (&[u8; ID_LEN], &str),
    now: UnixTime,
) -> Result<Option<Given>> {
    forget(db, now).await?;
    query("SELECT request, answer FROM api_answer WHERE api_key = $1 AND name = $2")
        .bind(key)
        .bind(name)
        .optional(db)
        .await
}

/// Keeps an answer.
pub async fn add(
    db: &mut Db,
    (key, name): (&[u8; ID_LEN], &str),
    given: &Given,
    now: UnixTime,
) -> Result<()> {
    query(
        "INSERT INTO api_answer (api_key, name, request, answer, time)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(key)
    .bind(name)
    .bind(&given.request)
    .bind(given.answer.as_slice())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
