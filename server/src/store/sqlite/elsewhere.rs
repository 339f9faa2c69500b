//! What was moved elsewhere.

use sqlx::SqlitePool;
use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::store::moved::MOVED_TO;

/// Refuses a database whose deployment was moved: two that go on from it would not be one.
pub(super) async fn refuse_moved(writer: &SqlitePool) -> Result<()> {
    // A new file has no settings yet.
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'setting'",
    )
    .fetch_one(writer)
    .await?;
    if tables == 0 {
        return Ok(());
    }

    let moved: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
        .bind(MOVED_TO)
        .fetch_optional(writer)
        .await?;
    let Some(address) = moved else { return Ok(()) };
    let message = texts::phrase(Code::StoreMoved, vec![("address", address.into())]);
    Err(Error::refused(Code::StoreMoved, message))
}
