//! The time of the last signature, and what an administrator confirmed about the clock.

use wardkey_core::time::UnixTime;

use super::query::{Db, FromRow, Row, query};
use crate::error::{Error, Result};

/// What is stored of the signing clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningClock {
    /// The latest time by which something was signed.
    pub signed: UnixTime,
    /// Changes with each confirmation.
    pub confirmation: i64,
    /// A jump forward that nobody has confirmed and that was not undone.
    pub refused: Option<Jump>,
}

/// A jump of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// What the clock said.
    pub wall: UnixTime,
    /// What it should have said.
    pub expected: UnixTime,
}

impl FromRow for SigningClock {
    fn from_row(row: &Row) -> Result<Self> {
        let wall: Option<UnixTime> = row.get("refused_wall")?;
        let expected: Option<UnixTime> = row.get("refused_expected")?;
        Ok(Self {
            signed: row.get("signed")?,
            confirmation: row.get("confirmation")?,
            refused: wall.zip(expected).map(|(wall, expected)| Jump { wall, expected }),
        })
    }
}

/// Reads it.
///
/// # Errors
/// [`Error::Damaged`] when there is none.
pub async fn read(db: &mut Db) -> Result<SigningClock> {
    let found =
        query("SELECT signed, confirmation, refused_wall, refused_expected FROM signing_clock")
            .optional(db)
            .await?;
    found.ok_or_else(|| Error::damaged("the time of the last signature"))
}

/// Writes how far was signed and whether the clock is refused.
pub async fn write(db: &mut Db, signed: UnixTime, refused: Option<Jump>) -> Result<()> {
    query("UPDATE signing_clock SET signed = $1, refused_wall = $2, refused_expected = $3")
        .bind(signed)
        .bind(refused.map(|jump| jump.wall))
        .bind(refused.map(|jump| jump.expected))
        .execute(db)
        .await?;
    Ok(())
}

/// An administrator says that it is `now`, whatever was signed before; also the first time of a new
/// store.
pub async fn confirm(db: &mut Db, now: UnixTime) -> Result<()> {
    query(
        "INSERT INTO signing_clock (\"only\", signed, confirmation) VALUES (1, $1, 0)
         ON CONFLICT (\"only\") DO UPDATE SET signed = excluded.signed,
             confirmation = signing_clock.confirmation + 1,
             refused_wall = NULL, refused_expected = NULL",
    )
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
