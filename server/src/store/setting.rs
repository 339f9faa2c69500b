//! What `init` fixed: the deployment, its names, and the chain of root documents.

use sqlx::{Row, SqliteConnection};
use wardkey_core::codec::Bytes;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::sign;

use crate::error::{Error, Result};

/// Writes a setting.
///
/// # Errors
/// [`Error::Store`].
pub async fn put(db: &mut SqliteConnection, name: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(db)
    .await?;
    Ok(())
}

/// Reads a setting.
///
/// # Errors
/// [`Error::Store`].
pub async fn find(db: &mut SqliteConnection, name: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT value FROM setting WHERE name = ?").bind(name).fetch_optional(db).await?)
}

/// The names and addresses of the server's certificate.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn server_names(db: &mut SqliteConnection) -> Result<Vec<String>> {
    let text = find(db, "server_names").await?.ok_or_else(|| Error::damaged("the list of server names"))?;
    serde_json::from_str(&text).map_err(Error::damaged)
}

/// Adds a signed root document.
///
/// # Errors
/// [`Error::Store`], also when the version is there.
pub async fn put_root(db: &mut SqliteConnection, version: u64, root: &SignedRoot) -> Result<()> {
    sqlx::query("INSERT INTO root (version, by_itself, by_previous) VALUES (?, ?, ?)")
        .bind(super::to_i64(version))
        .bind(root.by_itself.as_slice())
        .bind(root.by_previous.as_ref().map(Bytes::as_slice))
        .execute(db)
        .await?;
    Ok(())
}

/// The chain of root documents, and the current one.
///
/// # Errors
/// [`Error::Store`]; [`Error::Damaged`] when the chain does not hold.
pub async fn roots(db: &mut SqliteConnection) -> Result<(Vec<SignedRoot>, RootDocument)> {
    let rows = sqlx::query("SELECT by_itself, by_previous FROM root ORDER BY version").fetch_all(db).await?;
    let mut chain = Vec::with_capacity(rows.len());
    for row in rows {
        let by_previous: Option<Vec<u8>> = row.try_get(1)?;
        chain.push(SignedRoot {
            by_itself: Bytes::new(row.try_get::<Vec<u8>, _>(0)?).map_err(Error::damaged)?,
            by_previous: by_previous.map(Bytes::new).transpose().map_err(Error::damaged)?,
        });
    }
    let first = chain.first().ok_or_else(|| Error::damaged("the root document (run init)"))?;
    let first: RootDocument = sign::peek(first.by_itself.as_slice()).map_err(Error::damaged)?;
    let current = SignedRoot::verify_chain(&chain, &first.root_key).map_err(Error::damaged)?;
    Ok((chain, current.into_inner()))
}
