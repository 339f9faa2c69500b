//! How much each terminal has stored today, so that one of them cannot fill the disk of all.

use sqlx::{Row, SqliteConnection};
use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use super::{to_i64, to_u64};
use crate::error::Result;

/// What an event takes beside its document, in bytes: columns, indexes, perhaps a row of the trail.
pub const BESIDE: u64 = 1024;
/// Days that are kept.
const KEPT: i64 = 31;

/// The day (UTC) of a time.
pub fn day(now: UnixTime) -> i64 {
    to_i64(now.0 / 86_400)
}

/// Bytes that a terminal has stored on a day.
///
/// # Errors
/// [`crate::error::Error::Store`].
pub async fn bytes(db: &mut SqliteConnection, terminal: &TerminalId, day: i64) -> Result<u64> {
    let row = sqlx::query("SELECT bytes FROM intake WHERE terminal = ? AND day = ?")
        .bind(terminal.as_bytes().as_slice())
        .bind(day)
        .fetch_optional(db)
        .await?;
    row.map_or(Ok(0), |row| to_u64(row.try_get(0)?))
}

/// Adds what was stored, and forgets what is over a month old.
///
/// # Errors
/// [`crate::error::Error::Store`].
pub async fn add(
    db: &mut SqliteConnection,
    terminal: &TerminalId,
    day: i64,
    (events, bytes): (u64, u64),
) -> Result<()> {
    sqlx::query(
        "INSERT INTO intake (terminal, day, events, bytes, noted) VALUES (?, ?, ?, ?, 0)
         ON CONFLICT (terminal, day) DO UPDATE SET events = events + excluded.events, bytes = bytes + excluded.bytes",
    )
    .bind(terminal.as_bytes().as_slice())
    .bind(day)
    .bind(to_i64(events))
    .bind(to_i64(bytes))
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM intake WHERE terminal = ? AND day < ?")
        .bind(terminal.as_bytes().as_slice())
        .bind(day.saturating_sub(KEPT))
        .execute(db)
        .await?;
    Ok(())
}

/// The quota was reached: true for the first time on this day.
///
/// # Errors
/// [`crate::error::Error::Store`].
pub async fn note(db: &mut SqliteConnection, terminal: &TerminalId, day: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO intake (terminal, day, events, bytes, noted) VALUES (?, ?, 0, 0, 1)
         ON CONFLICT (terminal, day) DO UPDATE SET noted = 1 WHERE noted = 0",
    )
    .bind(terminal.as_bytes().as_slice())
    .bind(day)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
