//! Join tokens: for how many machines, until when, and which have used them.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::{to_i64, to_some_time, to_time};
use crate::error::{Error, Result};

/// A token, as stored.
pub struct Token {
    /// Names it.
    pub id: [u8; 8],
    /// Keys the HMAC of a join.
    pub secret: Zeroizing<Vec<u8>>,
    /// Machines that it is for; above one, each has to be approved.
    pub uses: i64,
    /// When it was made.
    pub created: UnixTime,
    /// Not valid after this.
    pub expires: UnixTime,
    /// When it was withdrawn.
    pub revoked: Option<UnixTime>,
    /// Machines that have used it.
    pub used: i64,
    /// The terminal in whose place a machine comes by it.
    pub replaces: Option<TerminalId>,
}

/// What a new token is for.
#[derive(Debug)]
pub struct Purpose<'a> {
    /// Scopes that it gives.
    pub scopes: &'a BTreeSet<ScopeName>,
    /// Machines that may use it.
    pub uses: u32,
    /// The terminal in whose place the machine comes.
    pub replaces: Option<TerminalId>,
}

/// Adds a token.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known.
pub async fn add(
    db: &mut SqliteConnection,
    (id, secret): (&[u8; 8], &[u8; 16]),
    purpose: &Purpose<'_>,
    (created, expires): (UnixTime, UnixTime),
) -> Result<()> {
    sqlx::query("INSERT INTO join_token (id, secret, uses, created, expires, replaces) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(id.as_slice())
        .bind(secret.as_slice())
        .bind(purpose.uses)
        .bind(to_i64(created.0))
        .bind(to_i64(expires.0))
        .bind(purpose.replaces.as_ref().map(|id| id.as_bytes().to_vec()))
        .execute(&mut *db)
        .await?;
    for scope in purpose.scopes {
        super::scope::get(db, scope).await?;
        sqlx::query("INSERT INTO join_token_scope (token, scope) VALUES (?, ?)")
            .bind(id.as_slice())
            .bind(scope.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// A token by its id.
///
/// # Errors
/// [`Error::Store`].
pub async fn find(db: &mut SqliteConnection, id: &[u8; 8]) -> Result<Option<Token>> {
    let row = sqlx::query(
        "SELECT secret, uses, created, expires, revoked,
             (SELECT count(DISTINCT machine) FROM join_use WHERE join_use.token = join_token.id),
             replaces
         FROM join_token WHERE id = ?",
    )
    .bind(id.as_slice())
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Token {
            id: *id,
            secret: Zeroizing::new(row.try_get(0)?),
            uses: row.try_get(1)?,
            created: to_time(row.try_get(2)?)?,
            expires: to_time(row.try_get(3)?)?,
            revoked: to_some_time(row.try_get(4)?)?,
            used: row.try_get(5)?,
            replaces: row
                .try_get::<Option<Vec<u8>>, _>(6)?
                .map(|id| TerminalId::from_slice(&id))
                .transpose()
                .map_err(Error::damaged)?,
        })
    })
    .transpose()
}

/// Scopes that a token gives.
///
/// # Errors
/// [`Error::Store`].
pub async fn scopes(db: &mut SqliteConnection, id: &[u8; 8]) -> Result<BTreeSet<ScopeName>> {
    let names: Vec<String> = sqlx::query_scalar("SELECT scope FROM join_token_scope WHERE token = ?")
        .bind(id.as_slice())
        .fetch_all(db)
        .await?;
    names.into_iter().map(|name| ScopeName::new(name).map_err(Error::damaged)).collect()
}

/// One use of a token.
#[derive(Debug)]
pub struct Use<'a> {
    /// The token.
    pub token: &'a [u8; 8],
    /// SHA-256 of the machine id.
    pub machine: &'a Hash,
    /// SHA-256 of the public key.
    pub key: &'a Hash,
}

/// The certificate (DER) that exactly this use was given before.
///
/// # Errors
/// [`Error::Store`].
pub async fn given(db: &mut SqliteConnection, a_use: &Use<'_>) -> Result<Option<Vec<u8>>> {
    let sql =
        "SELECT certificate FROM join_use WHERE token = ? AND machine = ? AND key = ? AND certificate IS NOT NULL";
    Ok(sqlx::query_scalar(sql)
        .bind(a_use.token.as_slice())
        .bind(a_use.machine.as_bytes().as_slice())
        .bind(a_use.key.as_bytes().as_slice())
        .fetch_optional(db)
        .await?)
}

/// Spends a use; false when this very request came before.
///
/// # Errors
/// [`Error::Store`].
pub async fn spend(
    db: &mut SqliteConnection,
    a_use: &Use<'_>,
    nonce: &[u8],
    certificate: &[u8],
    now: UnixTime,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO join_use (token, machine, nonce, time, key, certificate) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(a_use.token.as_slice())
    .bind(a_use.machine.as_bytes().as_slice())
    .bind(nonce)
    .bind(to_i64(now.0))
    .bind(a_use.key.as_bytes().as_slice())
    .bind(certificate)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Withdraws a token.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn revoke(db: &mut SqliteConnection, id: &[u8; 8], now: UnixTime) -> Result<bool> {
    if find(db, id).await?.is_none() {
        return Err(Error::not_found("this token"));
    }
    let done = sqlx::query("UPDATE join_token SET revoked = ? WHERE id = ? AND revoked IS NULL")
        .bind(to_i64(now.0))
        .bind(id.as_slice())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}
