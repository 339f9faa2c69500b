//! How much each terminal has stored today, so that one of them cannot fill the disk of all.

use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use super::number::to_i64;
use super::query::{Db, Only, query};
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
pub async fn bytes(db: &mut Db, terminal: &TerminalId, day: i64) -> Result<u64> {
    let found = query("SELECT bytes FROM intake WHERE terminal = $1 AND day = $2")
        .bind(terminal)
        .bind(day)
        .optional::<Only<u64>>(db)
        .await?;
    Ok(found.map_or(0, |Only(bytes)| bytes))
}

/// Adds what was stored, and forgets what is over a month old.
pub async fn add(
    db: &mut Db,
    terminal: &TerminalId,
    day: i64,
    (events, bytes): (u64, u64),
) -> Result<()> {
    query(
        "INSERT INTO intake (terminal, day, events, bytes, noted) VALUES ($1, $2, $3, $4, 0)
         ON CONFLICT (terminal, day) DO UPDATE SET events = intake.events + excluded.events,
             bytes = intake.bytes + excluded.bytes",
    )
    .bind(terminal)
    .bind(day)
    .bind(events)
    .bind(bytes)
    .execute(db)
    .await?;

    query("DELETE FROM intake WHERE terminal = $1 AND day < $2")
        .bind(terminal)
        .bind(day.saturating_sub(KEPT))
        .execute(db)
        .await?;
    Ok(())
}

/// The quota was reached: true for the first time on this day.
pub async fn note(db: &mut Db, terminal: &TerminalId, day: i64) -> Result<bool> {
    let noted = query(
        "INSERT INTO intake (terminal, day, events, bytes, noted) VALUES ($1, $2, 0, 0, 1)
         ON CONFLICT (terminal, day) DO UPDATE SET noted = 1 WHERE intake.noted = 0",
    )
    .bind(terminal)
    .bind(day)
    .execute(db)
    .await?;
    Ok(noted > 0)
}
