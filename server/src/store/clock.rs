//! The time by which was signed last, and what an administrator confirmed about the clock.

use sqlx::{Row, SqliteConnection};
use wardkey_core::time::UnixTime;

use super::{to_i64, to_some_time, to_time};
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

/// Reads it.
///
/// # Errors
/// [`Error::Store`]; [`Error::Damaged`] when there is none.
pub async fn read(db: &mut SqliteConnection) -> Result<SigningClock> {
    let row = sqlx::query("SELECT signed, confirmation, refused_wall, refused_expected FROM signing_clock")
        .fetch_optional(db)
        .await?
        .ok_or_else(|| Error::damaged("the time of the last signature"))?;
    let (wall, expected) = (to_some_time(row.try_get(2)?)?, to_some_time(row.try_get(3)?)?);
    Ok(SigningClock {
        signed: to_time(row.try_get(0)?)?,
        confirmation: row.try_get(1)?,
        refused: wall.zip(expected).map(|(wall, expected)| Jump { wall, expected }),
    })
}

/// Writes how far was signed and whether the clock is refused.
///
/// # Errors
/// [`Error::Store`].
pub async fn write(db: &mut SqliteConnection, signed: UnixTime, refused: Option<Jump>) -> Result<()> {
    sqlx::query("UPDATE signing_clock SET signed = ?, refused_wall = ?, refused_expected = ?")
        .bind(to_i64(signed.0))
        .bind(refused.map(|jump| to_i64(jump.wall.0)))
        .bind(refused.map(|jump| to_i64(jump.expected.0)))
        .execute(db)
        .await?;
    Ok(())
}

/// An administrator says that it is `now`, whatever was signed before; also the first time of a new store.
///
/// # Errors
/// [`Error::Store`].
pub async fn confirm(db: &mut SqliteConnection, now: UnixTime) -> Result<()> {
    sqlx::query(
        "INSERT INTO signing_clock (only, signed, confirmation) VALUES (1, ?, 0)
         ON CONFLICT (only) DO UPDATE SET signed = excluded.signed, confirmation = confirmation + 1,
             refused_wall = NULL, refused_expected = NULL",
    )
    .bind(to_i64(now.0))
    .execute(db)
    .await?;
    Ok(())
}
