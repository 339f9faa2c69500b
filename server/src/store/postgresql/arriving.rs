//! Databases to which nothing is moved, or not all of it yet.

use sqlx::postgres::PgConnection;
use wardkey_core::code::Code;

use super::address::Address;
use super::connection::refused;
use crate::error::{Error, Result};
use crate::store::moved::ARRIVING;
use crate::texts::Phrase;

/// The refusal of a database to which nothing is moved.
pub fn unfit(address: &Address, what: Phrase) -> Error {
    refused(Code::MoveTarget, vec![("address", address.phrase()), ("what", what)])
}

/// Refuses a database to which a move was not finished: the one before goes on.
pub(super) async fn refuse_arriving(connection: &mut PgConnection, at: &Address) -> Result<()> {
    if is_arriving(connection).await? {
        return Err(unfinished(at));
    }
    Ok(())
}

pub(super) fn unfinished(at: &Address) -> Error {
    refused(Code::MoveUnfinished, vec![("address", at.phrase())])
}

/// Whether a move to it was not finished.
pub(super) async fn is_arriving(connection: &mut PgConnection) -> Result<bool> {
    let settings: Option<String> = sqlx::query_scalar("SELECT to_regclass('setting')::text")
        .fetch_one(&mut *connection)
        .await?;
    if settings.is_none() {
        return Ok(false);
    }
    Ok(says_arriving(connection).await?)
}

/// The same of one that has settings.
pub(super) async fn says_arriving(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let arriving: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1")
        .bind(ARRIVING)
        .fetch_optional(connection)
        .await?;
    Ok(arriving.is_some())
}
