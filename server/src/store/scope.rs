//! Scopes: what terminals subscribe to, each with its position and policy.

use sqlx::{Row, SqliteConnection};
use wardkey_core::codec;
use wardkey_core::document::Position;
use wardkey_core::id::Hash;
use wardkey_core::name::ScopeName;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::time::UnixTime;

use super::{to_i64, to_u64};
use crate::error::{Error, Result};

/// A scope.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its name.
    pub name: ScopeName,
    /// Where it stands.
    pub position: Position,
    /// Hash of its policy.
    pub policy: Hash,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
}

/// Adds a scope with the default policy.
///
/// # Errors
/// [`Error::Refused`] when there is one of this name.
pub async fn add(db: &mut SqliteConnection, name: &ScopeName, now: UnixTime) -> Result<()> {
    if find(db, name).await?.is_some() {
        return Err(Error::invalid(format!("scope {name} exists already")));
    }
    // A scope that is made anew after a restore must not repeat positions: it takes the highest epoch.
    let epoch: Option<i64> = sqlx::query_scalar("SELECT max(epoch) FROM scope").fetch_one(&mut *db).await?;
    let hash = put_policy(db, &PolicyDocument::default_for(name.clone())).await?;
    sqlx::query("INSERT INTO scope (name, epoch, seq, policy, halted, created) VALUES (?, ?, 1, ?, NULL, ?)")
        .bind(name.as_str())
        .bind(epoch.unwrap_or(1))
        .bind(hash.as_bytes().as_slice())
        .bind(to_i64(now.0))
        .execute(db)
        .await?;
    Ok(())
}

/// All scopes, by name.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(db: &mut SqliteConnection) -> Result<Vec<Scope>> {
    let rows = sqlx::query("SELECT name, epoch, seq, policy, halted FROM scope ORDER BY name").fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// One scope.
///
/// # Errors
/// [`Error::Store`].
pub async fn find(db: &mut SqliteConnection, name: &ScopeName) -> Result<Option<Scope>> {
    let row = sqlx::query("SELECT name, epoch, seq, policy, halted FROM scope WHERE name = ?")
        .bind(name.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// One scope that must be there.
///
/// # Errors
/// [`Error::Refused`] when it is not.
pub async fn get(db: &mut SqliteConnection, name: &ScopeName) -> Result<Scope> {
    find(db, name).await?.ok_or_else(|| Error::not_found(format!("scope {name}")))
}

/// The next sequence number of a scope, taken.
///
/// # Errors
/// [`Error::Store`].
pub async fn next_seq(db: &mut SqliteConnection, name: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("UPDATE scope SET seq = seq + 1 WHERE name = ? RETURNING seq")
        .bind(name)
        .fetch_one(db)
        .await?)
}

/// The policy of a scope.
///
/// # Errors
/// [`Error::Damaged`] when it does not decode.
pub async fn policy(db: &mut SqliteConnection, scope: &Scope) -> Result<PolicyDocument> {
    let bytes = policy_bytes(db, &scope.policy).await?.ok_or_else(|| Error::damaged("a policy"))?.1;
    codec::from_bytes(&bytes).map_err(Error::damaged)
}

/// A policy document by its hash, with the scope that it is of.
///
/// # Errors
/// [`Error::Store`].
pub async fn policy_bytes(db: &mut SqliteConnection, hash: &Hash) -> Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query("SELECT scope, document FROM policy WHERE hash = ?")
        .bind(hash.as_bytes().as_slice())
        .fetch_optional(db)
        .await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

/// Gives a scope another policy; false when it is the one that it has.
///
/// # Errors
/// [`Error::Refused`] when the offline limits are not in order.
pub async fn set_policy(db: &mut SqliteConnection, policy: &PolicyDocument) -> Result<bool> {
    if !policy.offline.is_ordered() {
        return Err(Error::invalid("offline limits: soft must not be over degraded, nor degraded over hard"));
    }
    let scope = get(db, &policy.scope).await?;
    let hash = put_policy(db, policy).await?;
    if hash == scope.policy {
        return Ok(false);
    }
    sqlx::query("UPDATE scope SET policy = ?, seq = seq + 1 WHERE name = ?")
        .bind(hash.as_bytes().as_slice())
        .bind(policy.scope.as_str())
        .execute(db)
        .await?;
    Ok(true)
}

/// Stops publishing a scope; false when it was stopped already.
///
/// # Errors
/// [`Error::Store`].
pub async fn halt(db: &mut SqliteConnection, name: &ScopeName, why: &str) -> Result<bool> {
    let done = sqlx::query("UPDATE scope SET halted = ? WHERE name = ? AND halted IS NULL")
        .bind(why)
        .bind(name.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Raises the epoch of every scope above all that were, and publishes all again. Returns it.
///
/// # Errors
/// [`Error::Store`].
pub async fn raise_epoch(db: &mut SqliteConnection, at_least: u64) -> Result<u64> {
    let highest: Option<i64> = sqlx::query_scalar("SELECT max(epoch) FROM scope").fetch_one(&mut *db).await?;
    let epoch = to_u64(highest.unwrap_or(0))?.saturating_add(1).max(at_least);
    sqlx::query("UPDATE scope SET epoch = ?, halted = NULL").bind(to_i64(epoch)).execute(db).await?;
    Ok(epoch)
}

async fn put_policy(db: &mut SqliteConnection, policy: &PolicyDocument) -> Result<Hash> {
    let bytes = codec::to_bytes(policy);
    let hash = codec::sha256(&bytes);
    sqlx::query("INSERT INTO policy (hash, scope, document) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING")
        .bind(hash.as_bytes().as_slice())
        .bind(policy.scope.as_str())
        .bind(bytes)
        .execute(db)
        .await?;
    Ok(hash)
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Scope> {
    Ok(Scope {
        name: ScopeName::new(row.try_get::<String, _>(0)?).map_err(Error::damaged)?,
        position: Position { epoch: to_u64(row.try_get(1)?)?, seq: to_u64(row.try_get(2)?)? },
        policy: Hash::from_slice(&row.try_get::<Vec<u8>, _>(3)?).map_err(Error::damaged)?,
        halted: row.try_get(4)?,
    })
}
